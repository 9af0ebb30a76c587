using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Carries out the planned writes of a request as one transaction, says what the database refuses in terms of the
/// request, and leaves a line in the log about who changed what.
/// </summary>
public sealed partial class WriteTransaction(IDesiredStateWriter database, TimeProvider time, ILogger<WriteTransaction> logger)
{
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    /// <exception cref="ProblemException">The schema refuses it; the problem says where in the request.</exception>
    /// <exception cref="ConcurrentChangeException">
    /// A row is no longer as it was when the request was checked, and the request may be tried again.
    /// </exception>
    /// <exception cref="UnconfirmedCommitException">The outcome is not known.</exception>
    internal async Task WriteAsync(WriteCall call, List<PlannedWrite> writes)
    {
        if (writes.Count == 0)
            return;
        // Not cut short when the client goes: what was sent may stand, and then the log must say who did it.
        using var limit = new CancellationTokenSource(WriteLimit, time);
        try
        {
            await database.WriteAsync([.. writes.Select(write => write.Write)], limit.Token);
        }
        catch (UnconfirmedCommitException)
        {
            LogChange(call, writes, isKnown: false);
            throw;
        }
        catch (OperationCanceledException cancelled) when (limit.IsCancellationRequested)
        {
            LogChange(call, writes, isKnown: false);
            throw new UnconfirmedCommitException("The database did not answer in time.", cancelled);
        }
        catch (WriteRefusedException refusal)
        {
            LogRefused(refusal, call.Context.TraceIdentifier, refusal.Constraint);
            throw new ProblemException(ProblemOf(refusal, writes));
        }
        catch (ConcurrentChangeException change) when (writes.Count > change.Write && writes[change.Write].Write is RowWrite.Delete)
        {
            throw ApiEndpoint.NoSuchRow();
        }
        catch (ConcurrentChangeException) when (call.Precondition is { NamesVersion: true })
        {
            throw Precondition.Failed("The row was changed by somebody else at the same time.");
        }
        LogChange(call, writes, isKnown: true);
    }

    // The database's own message may quote values of rows that the caller must not see.
    private static Problem ProblemOf(WriteRefusedException refusal, List<PlannedWrite> writes)
    {
        var (kind, detail) = refusal.Refusal switch
        {
            Refusal.Duplicate => (ProblemKind.Duplicate, "Another row has this value already."),
            Refusal.StillReferenced => (ProblemKind.StillReferenced, "Other rows still refer to the row that is to go."),
            Refusal.MissingReference => (ProblemKind.UnknownReference, "There is no such row."),
            _ => (ProblemKind.RefusedByRule, $"The rule {refusal.Constraint} refuses this."),
        };
        string? pointer = null;
        if (refusal.Write is { } index && index < writes.Count)
        {
            pointer = writes[index].Pointer;
            if (writes[index].Write is not RowWrite.Delete)
                pointer += refusal.Columns.Count > 0 ? $"/desired/{refusal.Columns[^1]}" : "/desired";
        }
        return new Problem(kind, detail) { Pointer = pointer, Constraint = refusal.Constraint };
    }

    private void LogChange(WriteCall call, List<PlannedWrite> writes, bool isKnown)
    {
        if (!logger.IsEnabled(LogLevel.Information))
            return;
        // Keys come from clients, so they are escaped: nobody writes lines of their own into the log.
        var changes = writes.Where(planned => planned.Write is not RowWrite.Update update || !ReferenceEquals(update.Expected, update.Record));
        var what = string.Join(", ", changes.Select(planned => planned.Write switch
        {
            RowWrite.Insert insert => $"insert {insert.Entity.Name} {Shown(insert.Entity.KeyOf(RowPart.Desired, insert.Record))}",
            RowWrite.Update update => $"update {update.Entity.Name} {Shown(update.Key)}",
            RowWrite.Delete delete => $"delete {delete.Entity.Name} {Shown(delete.Key)}",
            _ => "?",
        }));
        LogAudit(
            Uri.EscapeDataString(call.Caller.Email),
            call.Caller.Tenant,
            call.Context.Connection.RemoteIpAddress?.ToString(),
            call.Context.Request.Method,
            isKnown ? what : $"{what} (outcome not known)");
    }

    private static string Shown(RowKey key) => string.Join('/', key.Parts.Select(Uri.EscapeDataString));

    [LoggerMessage(3021, LogLevel.Information, "{User} (tenant {Tenant}) from {Address}, {Method}: {Changes}")]
    private partial void LogAudit(string user, string? tenant, string? address, string method, string changes);

    [LoggerMessage(3022, LogLevel.Debug, "Request {TraceId}: refused by {Constraint}")]
    private partial void LogRefused(Exception exception, string traceId, string constraint);
}
