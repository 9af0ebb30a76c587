using System.Globalization;
using System.Net.Sockets;
using Npgsql;
using PonyCloud.Sparkle.Database.Following;
using PonyCloud.Sparkle.Database.Rows;

namespace PonyCloud.Sparkle.Database.Writing;

/// <summary>A transaction whose commit was sent.</summary>
/// <param name="Transaction">Its id, with the epoch.</param>
/// <param name="System">The server's system identifier; ids of another server mean nothing.</param>
/// <param name="Run">
/// When the server last came up, be it after a crash of one of its processes only; null when the role may not see that.
/// </param>
/// <param name="Lost">Why no answer came; null when it did.</param>
internal sealed record SentCommit(ulong Transaction, string System, string? Run, Exception? Lost = null);

internal enum CommitOutcome
{
    Unknown,
    Committed,
    Aborted,
}

/// <summary>Finds out whether a commit stands whose answer was lost.</summary>
/// <remarks>
/// A transaction of which nothing had reached the disk is forgotten by a crash, its id included, and the next one gets the
/// same id. So after a crash "committed" may be said of somebody else's transaction and proves nothing; "aborted" still
/// does, since a commit that stands keeps its id.
/// </remarks>
internal sealed class CommitDecision(DatabaseConnections connections, DatabaseOptions options, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    public async Task<CommitOutcome> DecideAsync(SentCommit commit, CommitTracker.Waiter waiter)
    {
        using var deadline = new CancellationTokenSource(options.CommitDecisionTimeout, time);
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            if (waiter.Seen.IsCompletedSuccessfully && await waiter.Seen)
                return CommitOutcome.Committed;
            try
            {
                if (await AskAsync(commit, deadline.Token) is { } outcome)
                    return outcome;
                await Task.Delay(pause, time, deadline.Token);
            }
            catch (OperationCanceledException)
            {
                return CommitOutcome.Unknown;
            }
        }
    }

    /// <summary>SQL for the system identifier and <see cref="SentCommit.Run"/>. The checkpointer starts with every run.</summary>
    public const string ServerColumns = """
        (SELECT system_identifier::text FROM pg_control_system()),
        (SELECT min(backend_start)::text FROM pg_stat_activity WHERE backend_type = 'checkpointer')
        """;

    /// <summary>Null while it cannot be said yet.</summary>
    private async Task<CommitOutcome?> AskAsync(SentCommit commit, CancellationToken deadline)
    {
        using var patience = new CancellationTokenSource(options.ServerTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline, patience.Token);
        try
        {
            await using var connection = await connections.Pool.OpenConnectionAsync(stop.Token);
            await using var command = new NpgsqlCommand(
                $"SELECT pg_xact_status(CAST($1 AS xid8)), {ServerColumns}", connection);
            command.Parameters.Add(TableMap.Parameter(commit.Transaction.ToString(CultureInfo.InvariantCulture)));
            await using var reader = await command.ExecuteReaderAsync(stop.Token);
            await reader.ReadAsync(stop.Token);
            if (reader.GetString(1) != commit.System || await reader.IsDBNullAsync(0, stop.Token))
                return CommitOutcome.Unknown;
            var isSameRun = commit.Run is { } run && !await reader.IsDBNullAsync(2, stop.Token) && reader.GetString(2) == run;
            return reader.GetString(0) switch
            {
                "committed" => isSameRun ? CommitOutcome.Committed : CommitOutcome.Unknown,
                "aborted" => CommitOutcome.Aborted,
                // The server has not noticed yet that the connection is gone, or the commit is still being made durable.
                _ => null,
            };
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            // "is in the future": a server restored from before the transaction.
            return CommitOutcome.Unknown;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or SocketException or TimeoutException
            || (e is OperationCanceledException && !deadline.IsCancellationRequested))
        {
            return null;
        }
    }
}
