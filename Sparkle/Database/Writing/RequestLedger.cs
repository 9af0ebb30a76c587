using Microsoft.Extensions.Logging;
using Npgsql;
using PonyCloud.Sparkle.Database.Following;
using PonyCloud.Sparkle.Database.Rows;

namespace PonyCloud.Sparkle.Database.Writing;

/// <summary>The table <c>request_key</c>: requests that were carried out and may be repeated.</summary>
/// <remarks>
/// Whoever carries out a request holds a lock of its key to the end of the transaction. So whoever asks for the key waits
/// for a commit that nobody waits for any more, and never takes "not there yet" for "not there".
/// </remarks>
public sealed partial class RequestLedger(
    DatabaseConnections connections, CommitTracker tracker, DatabaseOptions options, TimeProvider time, ILogger<RequestLedger> logger)
{
    // In the key space of two numbers; the lease has one in that of a single number.
    private const string Lock = "SELECT pg_advisory_xact_lock(1920298105, hashtext($1 || chr(31) || $2))";

    private const string Select = "SELECT fingerprint, answer::text FROM public.request_key WHERE owner = $1 AND key = $2";

    private const string Insert = """
        INSERT INTO public.request_key (owner, key, fingerprint, answer) VALUES ($1, $2, $3, CAST($4 AS json))
        ON CONFLICT ON CONSTRAINT request_key_pkey DO NOTHING
        """;

    private const string Sweep = """
        DELETE FROM public.request_key WHERE (owner, key) IN (
            SELECT owner, key FROM public.request_key WHERE made < now() - CAST($1 AS interval) ORDER BY made LIMIT 1000)
        """;

    private const string CountAll = "SELECT count(*) FROM public.request_key";
    private const long Unknown = -1;

    private long _kept = Unknown;
    private long _repeated;

    /// <summary>How many requests are kept: as they were counted last, and those since. Null until somebody counts.</summary>
    public long? Kept => Interlocked.Read(ref _kept) is var kept and not Unknown ? kept : null;

    /// <summary>How many requests were answered with what is kept.</summary>
    public long Repeated => Interlocked.Read(ref _repeated);

    /// <inheritdoc cref="IRequestLedger.FindAsync"/>
    public async Task<KeptAnswer?> FindAsync(RequestKey key, CancellationToken cancellation)
    {
        if (tracker.Down is { } why)
            throw new DatabaseUnavailableException(why);
        // Whoever asks carries the request out next, which asks again and has more patience.
        var finding = FindOnceAsync(key, cancellation);
        try
        {
            return await finding.WithinAsync(options.ReachTimeout * 1.5, time, LogLate, cancellation);
        }
        catch (TimeoutException e)
        {
            throw new DatabaseUnavailableException("The database did not answer in time.", e);
        }
    }

    /// <summary>Counts a request that was carried out now, or one that had been before.</summary>
    internal void Note(bool isRepeated)
    {
        if (isRepeated)
            Interlocked.Increment(ref _repeated);
        else if (Kept is not null)
            Interlocked.Increment(ref _kept);
    }

    /// <summary>Keeps the answer in the transaction of the connection, or returns what is kept already.</summary>
    internal static async Task<KeptAnswer?> KeepAsync(NpgsqlConnection connection, RequestKey key, string answer, CancellationToken cancellation)
    {
        try
        {
            if (await LookUpAsync(connection, key, cancellation) is { } kept)
                return kept;
            await RunAsync(connection, Insert, cancellation, key.Owner, key.Key, key.Fingerprint, answer);
            return null;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new RequestUnderWayException(e);
        }
    }

    /// <summary>Forgets some of what is older than the options say, and counts what is left once there is no more of it.</summary>
    /// <returns>Whether there may be more.</returns>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached.</exception>
    public async Task<bool> SweepAsync(CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await using var connection = await connections.Pool.OpenConnectionAsync(stop.Token);
            if (await RunAsync(connection, Sweep, stop.Token, $"{(long)options.RequestKeyLifetime.TotalSeconds} seconds") == 1000)
                return true;
            await using var count = Command(connection, CountAll);
            Interlocked.Exchange(ref _kept, (long)(await count.ExecuteScalarAsync(stop.Token))!);
            return false;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new DatabaseUnavailableException("The database did not forget old requests.", e);
        }
    }

    private async Task<KeptAnswer?> FindOnceAsync(RequestKey key, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await using var connection = await connections.Pool.OpenConnectionAsync(stop.Token);
            await using var transaction = await connection.BeginTransactionAsync(stop.Token);
            await RunAsync(connection, "SELECT set_config('lock_timeout', $1, true)", stop.Token, $"{(long)options.LockTimeout.TotalMilliseconds}ms");
            return await LookUpAsync(connection, key, stop.Token);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new RequestUnderWayException(e);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new DatabaseUnavailableException("The database cannot be reached.", e);
        }
    }

    // The second statement sees what was committed while the first one waited.
    private static async Task<KeptAnswer?> LookUpAsync(NpgsqlConnection connection, RequestKey key, CancellationToken cancellation)
    {
        await RunAsync(connection, Lock, cancellation, key.Owner, key.Key);
        await using var command = Command(connection, Select, key.Owner, key.Key);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? new KeptAnswer(reader.GetString(0), reader.GetString(1)) : null;
    }

    private static async Task<int> RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params string[] texts)
    {
        await using var command = Command(connection, sql, texts);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params string[] texts)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var text in texts)
            command.Parameters.Add(TableMap.Parameter(text));
        return command;
    }

    [LoggerMessage(2104, LogLevel.Debug, "A look for a request that nobody waits for any more came to its end.")]
    private partial void LogLate(Exception failure);
}
