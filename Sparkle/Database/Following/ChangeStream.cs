using Microsoft.Extensions.Logging;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using NpgsqlTypes;
using PonyCloud.Shared.Hosting;
using PonyCloud.Sparkle.Database.Leading;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.Sparkle.Database.Schema;
using PonyCloud.Sparkle.Database.Writing;

namespace PonyCloud.Sparkle.Database.Following;

/// <summary>Which database it is, and how far its log had come when it was asked.</summary>
/// <param name="System">Made by initdb; another one is another database.</param>
/// <param name="Timeline">Rises when a standby takes over or a backup is restored to a point in time.</param>
/// <param name="Position">The end of the log, or the last commit that was followed.</param>
public sealed record DatabaseIdentity(string System, uint Timeline, NpgsqlLogSequenceNumber Position);

/// <summary>
/// Keeps memory in step with the database: loads every row in one snapshot, then follows the log from exactly there. When
/// anything fails, it says so, waits, and loads again. One loop owns it.
/// </summary>
/// <remarks>
/// <code>
///   DOWN ──connect, check──► LEASE ──waiting orders──► SLOT ──snapshot loaded──► FOLLOWING
///    ▲                        │ ▲ │ another holds       │  ▲ │ open transactions     │
///    │                        │ └─┘ it: wait            │  └─┘ hold the slot up:     │
///    │                        │                         │      load plain snapshots  │
///    └──── any failure ───────┴─────────────────────────┴────────────────────────────┘
/// </code>
/// A transaction of the stream that the loaded snapshot saw already is left out, by its id. That makes it irrelevant whose
/// snapshot was loaded, as long as it is not older than the slot.
/// </remarks>
public sealed partial class ChangeStream(
    DatabaseConnections connections, TableMaps tables, IDatabaseSink sink, CommitTracker tracker, ConstraintCatalog constraints,
    SchemaMigrator migrator, ControllerLease lease, IWaitingOrders waiting, DatabaseOptions options, TimeProvider time, ILogger<ChangeStream> logger)
{
    private static readonly TimeSpan ShortestPoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromSeconds(10);

    private readonly SnapshotLoader _loader = new(connections, tables, options);
    private volatile DatabaseIdentity? _identity;
    private string? _told;

    /// <summary>The database that was followed last; null before the first time.</summary>
    public DatabaseIdentity? Identity => _identity;

    /// <summary>Runs until it is told to stop. Only the sink's own failure at taking a loss ends it otherwise.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var pause = options.RetryMinimum;
        while (!stop.IsCancellationRequested)
        {
            Exception failure;
            try
            {
                await FollowAsync(stop);
                failure = new IOException("The server ended the change stream.");
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            // Whatever it is, what helps is to load again; and it is told to everybody who looks at the link.
            catch (Exception e)
            {
                failure = e;
            }
            var wasUp = tracker.Down is null;
            var why = Why(failure);
            tracker.SetDown(why);
            if (wasUp)
                pause = options.RetryMinimum;
            if (wasUp || why != _told)
            {
                LogLost(why, failure);
                await sink.LostAsync(why, stop);
                _told = why;
            }
            // Full jitter above the half keeps several controllers from coming back as one.
            await Task.Delay(pause * (0.5 + (Random.Shared.NextDouble() / 2)), time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < options.RetryMaximum ? pause * 2 : options.RetryMaximum;
        }
        tracker.SetDown("The controller stops.");
        await lease.ReleaseAsync();
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        constraints.Forget();
        if (options.ApplyMigrations)
            await migrator.ApplyAsync(connections.Pool, stop);
        await using (var control = await connections.Pool.OpenConnectionAsync(stop))
            await LinkFacts.CheckAsync(control, tables, Seconds(options.ServerTimeout), stop);
        await lease.TakeAsync(why => WaitAsync(why, stop), stop);
        await TaskGroup.RunAsync(stop, lease.HoldAsync, FollowHeldAsync);
    }

    /// <summary>Another controller is active: writes are refused, and everybody who looks at the link is told.</summary>
    private async Task WaitAsync(string why, CancellationToken stop)
    {
        tracker.SetDown(why);
        // Users gave them before the other took over, and the database decides about each as about any write of theirs.
        await waiting.WriteAllAsync(stop);
        if (why == _told)
            return;
        _told = why;
        LogWaiting(why);
        await sink.LostAsync(why, stop);
    }

    /// <summary>All that is loaded here is newer than the lease.</summary>
    private async Task FollowHeldAsync(CancellationToken stop)
    {
        // Before anything is loaded: what is acted upon after an outage knows of the orders that were given in it.
        await waiting.WriteAllAsync(stop);
        await using var replication = connections.Replication();
        Compare(await IdentifyAsync(replication, stop));

        // Cancelled when this attempt fails elsewhere, so that the wait for a slot never outlives it.
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var making = replication.CreatePgOutputReplicationSlot(
            $"sparkle_{Guid.NewGuid():N}", temporarySlot: true, LogicalSlotSnapshotInitMode.Export, cancellationToken: attempt.Token);
        bool loadedAlready;
        try
        {
            loadedAlready = await LoadUntilAsync(making, replication.ProcessID, stop);
        }
        catch
        {
            await attempt.CancelAsync();
            await ((Task)making).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        var slot = await making;
        // What was loaded meanwhile may be newer than the slot's own snapshot, and memory must not go back.
        var snapshot = await LoadAsync(loadedAlready ? null : slot.SnapshotName, stop);
        LogFollowing(replication.ServerVersion, snapshot.Text);
        var reader = new TransactionReader(tables);
        var pgoutput = new PgOutputReplicationOptions(LinkFacts.Publication, PgOutputProtocolVersion.V1, binary: false, messages: true);
        await foreach (var message in replication.StartReplication(slot, pgoutput, stop))
        {
            if (await reader.ReadAsync(message, stop) is not { } transaction)
                continue;
            if (transaction.Changes.Count > 0 && !snapshot.Sees(transaction.Transaction))
                await sink.CommittedAsync(transaction.Changes, stop);
            tracker.Streamed(transaction.Messages);
            replication.SetReplicationStatus(transaction.End);
            _identity = _identity! with { Position = transaction.End };
        }
    }

    private async Task<ReplicationSystemIdentification> IdentifyAsync(LogicalReplicationConnection replication, CancellationToken stop)
    {
        using var deadline = new CancellationTokenSource(options.ServerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        await replication.Open(either.Token);
        return await replication.IdentifySystem(either.Token);
    }

    private async Task<PostgresSnapshot> LoadAsync(string? exported, CancellationToken stop)
    {
        var (rows, snapshot) = await _loader.LoadAsync(exported, stop);
        tracker.SetUp();
        await sink.LoadedAsync(rows, lease.Epoch, stop);
        _told = null;
        tracker.Loaded(snapshot);
        LogLoaded(rows.Count);
        return snapshot;
    }

    /// <summary>
    /// Waits for the slot. It comes once every transaction has ended that was open when it was asked for; when that takes
    /// long, rows are loaded without it, and again whenever there is something new.
    /// </summary>
    private async Task<bool> LoadUntilAsync(Task making, int pid, CancellationToken stop)
    {
        if (await EndsWithinAsync(making, options.SlotGrace, stop))
            return false;
        PostgresSnapshot? loaded = null;
        for (var pause = ShortestPoll; ; pause = pause * 2 < LongestPoll ? pause * 2 : LongestPoll)
        {
            var now = await _loader.SnapshotAsync(stop);
            if (loaded is null)
                LogHeldUp(await BlockersAsync(pid, stop));
            if (loaded?.Text != now.Text)
                loaded = await LoadAsync(null, stop);
            using var sleep = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var wish = tracker.Wishes.ReadAsync(sleep.Token).AsTask();
            var woken = await Task.WhenAny(making, wish, Task.Delay(pause, time, sleep.Token));
            await sleep.CancelAsync();
            stop.ThrowIfCancellationRequested();
            if (woken == wish)
                pause = ShortestPoll / 2;
            if (making.IsCompleted)
                return true;
        }
    }

    private async Task<bool> EndsWithinAsync(Task task, TimeSpan limit, CancellationToken stop)
    {
        using var sleep = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(task, Task.Delay(limit, time, sleep.Token));
        await sleep.CancelAsync();
        stop.ThrowIfCancellationRequested();
        return task.IsCompleted;
    }

    private async Task<string> BlockersAsync(int pid, CancellationToken stop)
    {
        await using var command = connections.Pool.CreateCommand($"SELECT array_to_string(pg_blocking_pids({pid}), ', ')");
        command.CommandTimeout = Seconds(options.ServerTimeout);
        return (string)(await command.ExecuteScalarAsync(stop))!;
    }

    private void Compare(ReplicationSystemIdentification found)
    {
        var now = new DatabaseIdentity(found.SystemId, found.Timeline, found.XLogPos);
        switch (_identity)
        {
            case null:
                LogIdentity(now.System, now.Timeline);
                break;
            case var before when before.System != now.System:
                LogOtherDatabase(before.System, now.System);
                break;
            case var before when before.Timeline != now.Timeline:
                LogOtherTimeline(before.Timeline, now.Timeline);
                break;
            case var before when before.Position > now.Position:
                LogWentBack(before.Position, now.Position);
                break;
        }
        _identity = now;
    }

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));

    private static string Why(Exception failure) => failure switch
    {
        SchemaException or DatabaseSetupException or FormatException or LeaseLostException => failure.Message,
        PostgresException e => $"The database refuses: {e.MessageText}",
        _ => $"The link to the database is lost: {failure.GetBaseException().Message}",
    };

    [LoggerMessage(2201, LogLevel.Warning, "{Why}")]
    private partial void LogLost(string why, Exception failure);

    [LoggerMessage(2202, LogLevel.Information, "Loaded {Rows} rows.")]
    private partial void LogLoaded(int rows);

    [LoggerMessage(2203, LogLevel.Information, "Following the database (PostgreSQL {Version}) from snapshot {Snapshot} on.")]
    private partial void LogFollowing(string version, string snapshot);

    [LoggerMessage(2204, LogLevel.Warning, "Open transactions of the processes {Pids} hold up the change stream; rows are polled until they end.")]
    private partial void LogHeldUp(string pids);

    [LoggerMessage(2205, LogLevel.Information, "Connected to the database {System} on timeline {Timeline}.")]
    private partial void LogIdentity(string system, uint timeline);

    [LoggerMessage(2206, LogLevel.Warning, "This is another database than before: {Now} instead of {Before}.")]
    private partial void LogOtherDatabase(string before, string now);

    [LoggerMessage(2207, LogLevel.Warning, "The database changed from timeline {Before} to {Now}.")]
    private partial void LogOtherTimeline(uint before, uint now);

    [LoggerMessage(2209, LogLevel.Warning, "{Why}")]
    private partial void LogWaiting(string why);

    [LoggerMessage(2208, LogLevel.Warning, "The database went back from {Before} to {Now}: an older backup was restored.")]
    private partial void LogWentBack(NpgsqlLogSequenceNumber before, NpgsqlLogSequenceNumber now);
}
