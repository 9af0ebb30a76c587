using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Carries out the planned writes of a request as one transaction, says what the database refuses in terms of the
/// request, and leaves a line in the log about who changed what.
/// </summary>
public sealed partial class WriteTransaction(
    IDesiredStateWriter database, IRequestLedger ledger, LetGoOrders letGo, AuditLog audit, TimeProvider time, ILogger<WriteTransaction> logger)
{
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    /// <summary>The answer that a request had when it was carried out before, as soon as readers see what it did; null for a new one.</summary>
    /// <exception cref="ProblemException">The key belongs to another request, or the request is still under way.</exception>
    internal async Task<ChangeAnswer?> FindAnswerAsync(RequestKey? key)
    {
        if (key is null)
            return null;
        using var limit = new CancellationTokenSource(WriteLimit, time);
        // Before the ledger, which is where it goes from here.
        if (await letGo.FindAsync(key, limit.Token) is { } journaled)
            return Kept(journaled, key);
        try
        {
            if (await ledger.FindAsync(key, limit.Token) is not { } kept)
                return null;
            var answer = Kept(kept, key);
            await ledger.WriteAsync([], key, kept.Answer, limit.Token);
            return answer;
        }
        catch (RequestUnderWayException)
        {
            throw IdempotencyKeys.IsUnderWay();
        }
        catch (DatabaseUnavailableException)
        {
            // The write itself asks once more under the key. Only an order to let go is taken without the database; whether
            // it came before is in the journal, unless it was written in time.
            return null;
        }
    }

    /// <summary>Returns when every reader sees the writes, or when they were journaled instead and the call says so.</summary>
    /// <param name="key">Under which the answer is kept; null for a request that is not to be repeated.</param>
    /// <returns>The answer; that of the first time when the same request was carried out before.</returns>
    /// <exception cref="ProblemException">The schema refuses it; the problem says where in the request.</exception>
    /// <exception cref="ConcurrentChangeException">
    /// A row is no longer as it was when the request was checked, and the request may be tried again.
    /// </exception>
    /// <exception cref="UnconfirmedCommitException">The outcome is not known.</exception>
    internal async Task<ChangeAnswer> WriteAsync(WriteCall call, WritePlan plan, RequestKey? key, ChangeAnswer answer)
    {
        var writes = plan.Writes;
        if (writes.Count == 0 && key is null)
            return answer;
        // Not cut short when the client goes: what was sent may stand, and then the log must say who did it.
        using var limit = new CancellationTokenSource(WriteLimit, time);
        try
        {
            RowWrite[] rows = [.. writes.Select(write => write.Write)];
            if (key is null)
                await database.WriteAsync(rows, limit.Token);
            else if (Kept(await ledger.WriteAsync(rows, key, answer.ToJson(), limit.Token), key) is { } kept)
                return kept;
        }
        catch (RequestUnderWayException)
        {
            throw IdempotencyKeys.IsUnderWay();
        }
        catch (DatabaseUnavailableException)
        {
            if (await letGo.TakeAsync(call, writes, key, mayStand: false) is { } journaled)
                return journaled;
            throw;
        }
        catch (UnconfirmedCommitException)
        {
            Audit(call, writes, isKnown: false);
            if (await letGo.TakeAsync(call, writes, key, mayStand: true) is { } journaled)
                return journaled;
            throw;
        }
        catch (OperationCanceledException cancelled) when (limit.IsCancellationRequested)
        {
            Audit(call, writes, isKnown: false);
            if (await letGo.TakeAsync(call, writes, key, mayStand: true) is { } journaled)
                return journaled;
            throw new UnconfirmedCommitException("The database did not answer in time.", cancelled);
        }
        catch (WriteRefusedException refusal)
        {
            LogRefused(refusal, call.Context.TraceIdentifier, refusal.Constraint);
            throw new ProblemException(ProblemOf(refusal, plan));
        }
        catch (ConcurrentChangeException change) when (writes.Count > change.Write && writes[change.Write].Write is RowWrite.Delete)
        {
            throw ApiEndpoint.NoSuchRow();
        }
        Audit(call, writes, isKnown: true);
        return answer;
    }

    private static ChangeAnswer? Kept(KeptAnswer? kept, RequestKey key)
    {
        if (kept is null)
            return null;
        return kept.Fingerprint == key.Fingerprint ? ChangeAnswer.Parse(kept.Answer) : throw IdempotencyKeys.Reused();
    }

    private void Audit(WriteCall call, IReadOnlyList<PlannedWrite> writes, bool isKnown) =>
        audit.Changed(call.Context, call.Caller, writes.Select(planned => planned.Write), isKnown);

    private static Problem ProblemOf(WriteRefusedException refusal, WritePlan plan)
    {
        var kind = refusal.Refusal switch
        {
            Refusal.Duplicate => ProblemKind.Duplicate,
            Refusal.StillReferenced => ProblemKind.StillReferenced,
            Refusal.MissingReference => ProblemKind.UnknownReference,
            _ => ProblemKind.RefusedByRule,
        };
        string? pointer = null;
        var detail = refusal.Message;
        if (refusal.Write is { } index && index < plan.Writes.Count)
        {
            var (write, row, origin) = plan.Writes[index];
            var column = RefusedField.Find(refusal, write, origin);
            if (origin?.IsOf(column) == true)
            {
                detail = origin.Describe(detail);
                pointer = plan.Locate(origin.Template);
            }
            else
            {
                pointer = plan.Locate(write is RowWrite.Delete ? row : column is null ? $"{row}/desired" : $"{row}/desired/{column}");
            }
        }
        return new Problem(kind, detail) { Pointer = pointer, Constraint = refusal.Constraint };
    }

    [LoggerMessage(3022, LogLevel.Debug, "Request {TraceId}: refused by {Constraint}")]
    private partial void LogRefused(Exception exception, string traceId, string constraint);
}
