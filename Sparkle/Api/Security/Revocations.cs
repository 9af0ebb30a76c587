using System.Collections.Concurrent;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>
/// Tokens that were ended before their time. They stand in the database, from where every controller has them in memory.
/// One that could not be written yet counts here at once, and is written as soon as the database is back.
/// </summary>
public sealed class Revocations(EntityCatalog catalog, IDesiredStateWriter database)
{
    /// <summary>So many wait for the database at most.</summary>
    public const int MaxWaiting = 10_000;

    private readonly Entity _table = catalog["revocation"];
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _waiting = new();

    /// <summary>How many are not in the database yet.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Whether the token, or the login that it comes from, was ended.</summary>
    public bool Has(StateSnapshot snapshot, TokenIdentity token) =>
        Has(snapshot, token.Id) || (token.Session != token.Id && Has(snapshot, token.Session));

    /// <summary>Ends a token, from this moment on.</summary>
    /// <returns>Whether it is in the database; otherwise it will be, unless this controller ends before the database is back.</returns>
    /// <exception cref="DatabaseUnavailableException">The database is away, and too many wait for it already.</exception>
    public async Task<bool> AddAsync(TokenIdentity token, CancellationToken cancellation)
    {
        if (_waiting.Count >= MaxWaiting)
            throw new DatabaseUnavailableException("Too many tokens wait to be ended in the database.");
        _waiting[token.Id] = token.Expires;
        return await WriteAsync(token.Id, token.Expires, cancellation) is null;
    }

    /// <summary>Writes what waits, up to the first failure.</summary>
    /// <returns>What went wrong; null when nothing waits any more.</returns>
    public async Task<Exception?> WriteWaitingAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        foreach (var (token, expires) in _waiting)
        {
            if (expires <= now)
                _waiting.TryRemove(token, out _);
            else if (await WriteAsync(token, expires, cancellation) is { } failure)
                return failure;
        }
        return null;
    }

    /// <summary>Removes rows of tokens that have ended by themselves meanwhile, some at a time.</summary>
    /// <returns>How many were removed.</returns>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached.</exception>
    /// <exception cref="UnconfirmedCommitException">The outcome is not known.</exception>
    public async Task<int> SweepAsync(StateSnapshot snapshot, DateTimeOffset now, int most, CancellationToken cancellation)
    {
        var over = snapshot[_table].Rows
            .Where(row => row.Desired is RevocationDesired revocation && revocation.Expires <= now)
            .Take(most).Select(row => new RowWrite.Delete(_table, row.Key)).ToList();
        if (over.Count > 0)
            await database.WriteAsync(over, cancellation);
        return over.Count;
    }

    private bool Has(StateSnapshot snapshot, Guid token) =>
        _waiting.ContainsKey(token) || snapshot[_table].Find(RowKey.Of(token)) is not null;

    private async Task<Exception?> WriteAsync(Guid token, DateTimeOffset expires, CancellationToken cancellation)
    {
        try
        {
            await database.WriteAsync([new RowWrite.Insert(_table, new RevocationDesired { Uuid = token, Expires = expires })], cancellation);
        }
        catch (WriteRefusedException refusal) when (refusal.Refusal == Refusal.Duplicate)
        {
            // It was ended before; it stays ended.
        }
        catch (Exception failure) when (failure is DatabaseUnavailableException or UnconfirmedCommitException)
        {
            return failure;
        }
        _waiting.TryRemove(token, out _);
        return null;
    }
}
