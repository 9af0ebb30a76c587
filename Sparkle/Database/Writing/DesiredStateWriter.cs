using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Npgsql;
using PonyCloud.Sparkle.Database.Following;
using PonyCloud.Sparkle.Database.Rows;

namespace PonyCloud.Sparkle.Database.Writing;

/// <summary>
/// Writes to PostgreSQL and waits until the commit has come back through the change stream. A message with an id of its own
/// goes into every transaction, and is what the stream recognizes it by.
/// </summary>
public sealed partial class DesiredStateWriter(
    DatabaseConnections connections, TableMaps tables, CommitTracker tracker, ConstraintCatalog constraints, RequestLedger requests,
    DatabaseOptions options, TimeProvider time, ILogger<DesiredStateWriter> logger) : IDesiredStateWriter, IRequestLedger
{
    /// <summary>The prefix of the messages in the log that are this controller's.</summary>
    public const string MessagePrefix = "sparkle";

    /// <summary>How often a transaction is tried that others' transactions thwart.</summary>
    public const int Attempts = 5;

    private readonly CommitDecision _decision = new(connections, options, time);

    /// <summary>Told of each write how long after the answer to its commit readers saw it.</summary>
    public event Action<TimeSpan>? Shown;

    public async Task WriteAsync(IReadOnlyList<RowWrite> writes, CancellationToken cancellation)
    {
        if (writes.Count > 0)
            await WriteAsync(new Work(writes, null, ""), cancellation);
    }

    public Task<KeptAnswer?> FindAsync(RequestKey key, CancellationToken cancellation) => requests.FindAsync(key, cancellation);

    public async Task<KeptAnswer?> WriteAsync(IReadOnlyList<RowWrite> writes, RequestKey key, string answer, CancellationToken cancellation)
    {
        var kept = await WriteAsync(new Work(writes, key, answer), cancellation);
        requests.Note(isRepeated: kept is not null);
        return kept;
    }

    private Task<KeptAnswer?> WriteAsync(Work work, CancellationToken cancellation) =>
        work.LetsGo ? WriteInTimeAsync(work, cancellation) : TryAsync(work, cancellation);

    /// <summary>
    /// An order to let go is kept elsewhere when the database does not answer, so it waits for nothing: neither for a server
    /// that hangs amid the transaction, nor for whoever holds the row.
    /// </summary>
    private async Task<KeptAnswer?> WriteInTimeAsync(Work work, CancellationToken cancellation)
    {
        var trying = TryAsync(work, cancellation);
        try
        {
            return await trying.WithinAsync(options.ReachTimeout * 1.5, time, LogAbandoned, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException && !trying.IsCompleted)
        {
            throw work.Fence.TryClose()
                ? new DatabaseUnavailableException("The database did not answer in time.", e)
                : new UnconfirmedCommitException("The database did not answer in time, and whether the commit stands is not known.", e);
        }
    }

    private async Task<KeptAnswer?> TryAsync(Work work, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await WriteOnceAsync(work, cancellation);
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected)
            {
                if (attempt == Attempts)
                    throw new DatabaseUnavailableException("Other transactions keep getting in the way.", e);
                LogThwarted(attempt, e.SqlState);
                var most = 10 << attempt;
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(most / 2, most)), time, cancellation);
            }
        }
    }

    private async Task<KeptAnswer?> WriteOnceAsync(Work work, CancellationToken cancellation)
    {
        if (tracker.Down is { } why)
            throw new DatabaseUnavailableException(why);
        using var waiter = tracker.Expect();
        var (commit, kept) = await CommitAsync(work, waiter, cancellation);
        if (commit.Lost is { } lost)
            await DecideAsync(commit, lost, waiter);
        waiter.Wish();
        var committed = time.GetTimestamp();
        try
        {
            await waiter.Seen.WaitAsync(options.VisibilityTimeout, time, cancellation);
            Shown?.Invoke(time.GetElapsedTime(committed));
            return kept;
        }
        catch (TimeoutException e)
        {
            throw new UnconfirmedCommitException("The write is committed, but not visible yet.", e);
        }
    }

    /// <summary>Carries out the transaction up to the answer to COMMIT, or the lack of one.</summary>
    private async Task<(SentCommit Commit, KeptAnswer? Kept)> CommitAsync(Work work, CommitTracker.Waiter waiter, CancellationToken cancellation)
    {
        var writes = work.Writes;
        var begun = await BeginInTimeAsync(waiter, cancellation);
        await using var connection = begun.Connection;
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var current = -1;
        try
        {
            // First of all, so that of two of the same request only one does anything.
            var kept = work.Key is { } key ? await RequestLedger.KeepAsync(connection, key, work.Answer, stop.Token) : null;
            foreach (var index in kept is null ? InOrder(writes) : [])
            {
                current = index;
                await ExecuteAsync(connection, writes[index], index, stop.Token);
            }
            current = -1;
            if (!work.Fence.TryPass())
                throw new DatabaseUnavailableException("Nobody waits for the write any more.");
            // From here on nobody's patience counts: a commit that was sent is waited for.
            using var patience = new CancellationTokenSource(options.WriteTimeout, time);
            try
            {
                await begun.Transaction.CommitAsync(patience.Token);
                return (begun.Sent, kept);
            }
            catch (PostgresException e) when (!IsServerGoing(e))
            {
                throw;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or SocketException or TimeoutException or OperationCanceledException
                or ObjectDisposedException)
            {
                return (begun.Sent with { Lost = e }, kept);
            }
        }
        catch (PostgresException e) when (RefusalReader.IsRefusal(e))
        {
            // The transaction still holds its locks; give them up before asking for the rule's description.
            await connection.CloseAsync();
            using var asking = new CancellationTokenSource(options.WriteTimeout, time);
            throw await RefusedAsync(e, current < 0 ? null : writes[current], current < 0 ? null : current, asking.Token);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected)
        {
            throw;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new DatabaseUnavailableException("Another transaction holds the row for too long.", e);
        }
        catch (Exception e) when (IsFailure(e, cancellation))
        {
            throw new DatabaseUnavailableException("The database failed while it was written to.", e);
        }
    }

    private async Task<WriteRefusedException> RefusedAsync(PostgresException e, RowWrite? write, int? index, CancellationToken cancellation)
    {
        try
        {
            return await RefusalReader.ReadAsync(e, write, index, constraints, cancellation);
        }
        catch (Exception failure) when (failure is NpgsqlException or OperationCanceledException)
        {
            throw new DatabaseUnavailableException("The database failed while it explained a refusal.", failure);
        }
    }

    /// <summary>
    /// A command that is cancelled asks the server to cancel it, and waits for a server that hangs. So the attempt is left
    /// behind: without anybody who commits it, it comes to nothing whenever it ends.
    /// </summary>
    private async Task<BegunTransaction> BeginInTimeAsync(CommitTracker.Waiter waiter, CancellationToken cancellation)
    {
        var beginning = BeginAsync(waiter, cancellation);
        try
        {
            return await beginning.WaitAsync(options.ReachTimeout * 1.5, time, cancellation);
        }
        catch (Exception e) when (!beginning.IsCompleted && e is TimeoutException or OperationCanceledException)
        {
            _ = AbandonAsync(beginning);
            throw new DatabaseUnavailableException("The database cannot be reached.", e);
        }
    }

    private async Task AbandonAsync(Task<BegunTransaction> beginning)
    {
        try
        {
            await (await beginning).Connection.DisposeAsync();
        }
        catch (Exception e) when (IsFailure(e, CancellationToken.None) || e is DatabaseUnavailableException)
        {
            LogAbandoned(e);
        }
    }

    /// <summary>
    /// Opens a transaction within the time that a server that can be reached needs. A pooled connection may be left over
    /// from before a restart of the server, so a second one is tried.
    /// </summary>
    private async Task<BegunTransaction> BeginAsync(CommitTracker.Waiter waiter, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.ReachTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        for (var attempt = 1; ; attempt++)
        {
            NpgsqlConnection? connection = null;
            try
            {
                connection = await connections.Pool.OpenConnectionAsync(stop.Token);
                var transaction = await connection.BeginTransactionAsync(stop.Token);
                // An acknowledged commit that is not durable yet could be forgotten, so nobody's "off" counts here.
                await using var first = new NpgsqlCommand(
                    $"""
                    SELECT pg_current_xact_id()::text, {CommitDecision.ServerColumns},
                           pg_logical_emit_message(true, $1, $2), set_config('lock_timeout', $3, true),
                           set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)
                    """, connection);
                first.Parameters.Add(TableMap.Parameter(MessagePrefix));
                first.Parameters.Add(TableMap.Parameter(waiter.Id));
                first.Parameters.Add(TableMap.Parameter($"{(long)options.LockTimeout.TotalMilliseconds}ms"));
                await using var reader = await first.ExecuteReaderAsync(stop.Token);
                await reader.ReadAsync(stop.Token);
                var sent = new SentCommit(
                    ulong.Parse(reader.GetString(0), CultureInfo.InvariantCulture), reader.GetString(1),
                    await reader.IsDBNullAsync(2, stop.Token) ? null : reader.GetString(2));
                waiter.Begun(sent.Transaction);
                return new BegunTransaction(connection, transaction, sent);
            }
            catch (Exception e) when (IsFailure(e, cancellation))
            {
                if (connection is not null)
                {
                    NpgsqlConnection.ClearPool(connection);
                    await connection.DisposeAsync();
                }
                if (attempt == 2 || deadline.IsCancellationRequested)
                    throw new DatabaseUnavailableException("The database cannot be reached.", e);
            }
            catch
            {
                if (connection is not null)
                    await connection.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>
    /// Inserts come in the order of the references between their tables, whatever order they were given in; updates and
    /// deletes keep their places, since only the caller knows which of them makes room for which.
    /// </summary>
    private IEnumerable<int> InOrder(IReadOnlyList<RowWrite> writes)
    {
        var inserts = new Queue<int>(Enumerable.Range(0, writes.Count)
            .Where(i => writes[i] is RowWrite.Insert).OrderBy(i => tables.OrderOf(writes[i].Entity)));
        for (var i = 0; i < writes.Count; i++)
            yield return writes[i] is RowWrite.Insert ? inserts.Dequeue() : i;
    }

    private async Task ExecuteAsync(NpgsqlConnection connection, RowWrite write, int index, CancellationToken cancellation)
    {
        var table = tables[write.Entity];
        switch (write)
        {
            case RowWrite.Insert insert:
                await RunAsync(connection, table.Insert, table.Parameters(insert.Record), cancellation);
                break;
            case RowWrite.Delete delete:
                await RunAsync(connection, table.Delete, TableMap.KeyParameters(delete.Key), cancellation);
                break;
            case RowWrite.Update update:
                await UpdateAsync(connection, table, update, index, cancellation);
                break;
        }
    }

    private static async Task UpdateAsync(
        NpgsqlConnection connection, TableMap table, RowWrite.Update update, int index, CancellationToken cancellation)
    {
        var changed = table.Difference(update.Expected, update.Record).ToList();
        var held = await RowStatements.LockAsync(connection, table, update.Key, changed.Any(column => table.KeyColumns.Contains(column)), cancellation);
        if (held is null || table.Difference(held, update.Expected).Any())
            throw new ConcurrentChangeException(index);
        if (changed.Count > 0)
            await RowStatements.UpdateAsync(connection, table, update.Key, changed, update.Record, cancellation);
    }

    private static async Task RunAsync(
        NpgsqlConnection connection, string sql, IEnumerable<NpgsqlParameter> parameters, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters.ToArray());
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task DecideAsync(SentCommit commit, Exception lost, CommitTracker.Waiter waiter)
    {
        LogCommitLost(commit.Transaction, lost);
        switch (await _decision.DecideAsync(commit, waiter))
        {
            case CommitOutcome.Committed:
                return;
            case CommitOutcome.Aborted:
                throw new DatabaseUnavailableException("The database failed at the commit.", lost);
            default:
                throw new UnconfirmedCommitException("The database failed at the commit, and whether it stands is not known.", lost);
        }
    }

    /// <summary>The server ends the session, so its answer says nothing about a commit that was under way.</summary>
    private static bool IsServerGoing(PostgresException e) => e.SqlState.StartsWith("57P", StringComparison.Ordinal);

    // Npgsql takes a connection apart under the hands of its user when the server's end goes away, hence the disposed object.
    private static bool IsFailure(Exception e, CancellationToken cancellation) =>
        e is NpgsqlException or IOException or SocketException or TimeoutException or ObjectDisposedException
        || (e is OperationCanceledException && !cancellation.IsCancellationRequested);

    /// <param name="Key">Of the request that is carried out, under which the answer is kept; null when it has none.</param>
    private sealed record Work(IReadOnlyList<RowWrite> Writes, RequestKey? Key, string Answer)
    {
        /// <summary>Whether all that it does is to give something up.</summary>
        public bool LetsGo { get; } = Writes.All(write => write is RowWrite.Update update && (IsCondition(update) || LetGoes(update)))
            && Writes.OfType<RowWrite.Update>().Any(LetGoes);

        public CommitFence Fence { get; } = new();

        private static bool IsCondition(RowWrite.Update update) => Equals(update.Expected, update.Record);

        private static bool LetGoes(RowWrite.Update update) => update.Entity.Desired!.LetsGo(update.Expected, update.Record);
    }

    private sealed record BegunTransaction(NpgsqlConnection Connection, NpgsqlTransaction Transaction, SentCommit Sent);

    [LoggerMessage(2101, LogLevel.Debug, "Attempt {Attempt} at a write was thwarted by another transaction ({SqlState}).")]
    private partial void LogThwarted(int attempt, string sqlState);

    [LoggerMessage(2103, LogLevel.Debug, "A transaction that nobody waits for any more came to its end.")]
    private partial void LogAbandoned(Exception failure);

    [LoggerMessage(2102, LogLevel.Warning, "The connection was lost at the commit of transaction {Transaction}; asking whether it stands.")]
    private partial void LogCommitLost(ulong transaction, Exception lost);
}
