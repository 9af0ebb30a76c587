using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Storage.Guests;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>
/// Makes the host's storage be as ordered, and reports what is. Each pass: take what was seen and what actions came to, plan, carry
/// the plan out, report. A pass waits for nothing: pools are looked at, and worked on, elsewhere.
/// </summary>
/// <remarks><see cref="RunAsync"/> is the one loop that owns all that changes here. Nothing is done before the first full state.</remarks>
public sealed partial class StorageReconciler : IHostReconciler, IAsyncDisposable
{
    private readonly StorageReconcilerOptions _options;
    private readonly EntityCatalog _catalog;
    private readonly StorageWork _work;
    private readonly OpenPools _pools;
    private readonly ProgressBoard _board;
    private readonly StorageMemory _memory;
    private readonly KeptContents _contents;
    private readonly GuestLeases _guests;
    private readonly PoolDefinition _staging;
    private readonly HashSet<StoragePoolType> _types;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ReconcilerLoop _loop;
    private readonly StorageReport _report;
    private readonly OrderExecutor<StorageSubject, StorageAction> _executor;
    private readonly Channel<HostOutput> _output = Channel.CreateUnbounded<HostOutput>();
    private readonly Dictionary<Guid, PoolWatch> _watches = [];
    private readonly HashSet<OrderOutcome<StorageAction>> _noted = [];
    private readonly long _epoch;
    private long _count;
    private volatile StateSnapshot? _replica;
    private StateSnapshot? _read;
    private StorageOrders? _orders;
    private ProgressSample _sample = ProgressSample.None;
    private TimeSpan _sampledAt;
    private bool _hasReported;

    /// <param name="work">Does what is planned.</param>
    public StorageReconciler(
        StorageReconcilerOptions options,
        EntityCatalog catalog,
        StorageWork work,
        OpenPools pools,
        ProgressBoard board,
        VolumeLedger ledger,
        KeptContents contents,
        GuestLeases guests,
        IReadOnlyDictionary<StoragePoolType, IStoragePoolDriver> drivers,
        TimeProvider time,
        ILoggerFactory loggers)
    {
        _options = options;
        _catalog = catalog;
        _work = work;
        _pools = pools;
        _board = board;
        _memory = new StorageMemory(ledger, pools, options.Backoff);
        _contents = contents;
        _guests = guests;
        _types = [.. drivers.Keys];
        _time = time;
        _logger = loggers.CreateLogger<StorageReconciler>();
        _epoch = time.GetTimestamp();
        _staging = StagingPool.Of(options.StagingDirectory);
        _report = new StorageReport(catalog);
        _loop = new ReconcilerLoop("storage", PassAsync, options.Loop, time, _logger);
        _executor = new OrderExecutor<StorageSubject, StorageAction>(work, Count, () => _loop.Wake("action ended"));
        _contents.Brought = () => _loop.Wake("upload ended");
        _guests.Ended = () => _loop.Wake("disk opened");
        _guests.Disks.Used = () => _loop.Wake("guests have other disks");
    }

    /// <inheritdoc/>
    public ChannelReader<HostOutput> Output => _output.Reader;

    /// <inheritdoc/>
    /// <remarks>
    /// Nothing goes because its row is not there: content is removed for a tombstone, or for a volume that is ordered to be deleted.
    /// </remarks>
    public void DesiredChanged(StateSnapshot replica, IReadOnlySet<Guid>? released)
    {
        _replica = replica;
        _loop.Wake("desired state changed");
    }

    /// <summary>Runs until cancelled. What is in flight is given up then, and begun anew by the next agent.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the only way out.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            _work.Begin();
            await _loop.RunAsync(cancellationToken);
        }
        finally
        {
            await DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _executor.DisposeAsync();
        await _guests.EndAsync();
        foreach (var watch in _watches.Values)
            await watch.DisposeAsync();
        _watches.Clear();
        _output.Writer.TryComplete();
    }

    private TimeSpan Now => _time.GetElapsedTime(_epoch);

    private long Count() => Interlocked.Increment(ref _count);

    private async Task<ReconcileResult> PassAsync(IReadOnlyList<string> reasons, CancellationToken cancellationToken)
    {
        var now = Now;
        await WatchAsync(now);
        NoteEnded(now);
        NoteBrought();
        var orders = Orders();
        var plan = StoragePlanner.Plan(new StoragePlannerInput
        {
            Host = _options.Host,
            Orders = orders,
            Pools = _watches.ToDictionary(watch => watch.Key, watch => watch.Value.View),
            Types = _types,
            Staging = _staging,
            InFlight = _executor.InFlight,
            Failures = _memory.Failures,
            Ledger = _memory.Records,
            Uses = _guests.Disks.Uses,
            Now = now,
        });
        if (orders is not null)
        {
            LogPlan(plan);
            _memory.Keep(orders, plan);
            // A look may be preparing the pool again: it is let go when that has ended.
            var begins = plan.Actions.Where(action => action is not StorageAction.Release { Pool: var pool } || !IsLookedAt(pool));
            _executor.Carry(_guests.Disks.Reserve(begins, [.. _executor.InFlight.Values], _work.IsExclusive, _work.HasNames));
            _contents.Become(orders, plan, _memory.Records);
            _guests.Become(plan, now);
        }
        var pause = Publish(plan, now);
        return Next(Look(plan, now), pause, plan.WakeAt, now);
    }

    private StorageOrders? Orders()
    {
        if (_replica is { } replica && replica != _read)
            (_read, _orders) = (replica, StorageOrders.Read(replica, _catalog, _options.Host));
        return _orders;
    }

    /// <summary>Follows the pools that actions prepared and released, and takes what was seen of them.</summary>
    private async Task WatchAsync(TimeSpan now)
    {
        var open = _pools.All;
        foreach (var (pool, watch) in _watches.Where(watch => open.GetValueOrDefault(watch.Key) != watch.Value.Open).ToList())
        {
            _watches.Remove(pool);
            await watch.DisposeAsync();
        }
        foreach (var (pool, entry) in open.Where(entry => !_watches.ContainsKey(entry.Key)).ToList())
            _watches.Add(pool, new PoolWatch(entry, _options, _time, Count, () => _loop.Wake("pool seen")));
        foreach (var watch in _watches.Values)
            watch.Collect(now);
    }

    /// <summary>
    /// What an action did counts at once; the action itself stays in flight until its pool was looked at after its end, or the plan
    /// would take what it did for still to be done.
    /// </summary>
    private void NoteEnded(TimeSpan now)
    {
        var ended = _executor.Ended;
        foreach (var outcome in ended.Where(_noted.Add))
        {
            _memory.Remember(outcome, now);
            _board.Clear(outcome.Action.Subject);
            var (pool, _, name) = outcome.Action.Subject;
            if (_watches.TryGetValue(pool, out var watch) && Guid.TryParse(name, out var changed))
                watch.Ask(changed);
        }
        var seen = ended.Where(outcome => outcome.Action.Subject.Kind == SubjectKind.Pool
            || !_watches.TryGetValue(outcome.Action.Subject.Pool, out var watch) || watch.SeenSince > outcome.EndedAt).ToList();
        _executor.Collect(seen);
        _noted.ExceptWith(seen);
    }

    private bool IsLookedAt(Guid pool) => _watches.GetValueOrDefault(pool)?.IsLooking == true;

    /// <summary>An upload is an action of somebody else: what it made is remembered, and looked at, all the same.</summary>
    private void NoteBrought()
    {
        foreach (var target in _contents.TakeBrought())
        {
            _memory.RememberContent(target.Name, target.Cleared ?? 0);
            foreach (var watch in _watches.Values)
                watch.Ask(target.Name.Uuid);
        }
    }

    private TimeSpan Look(StoragePlan plan, TimeSpan now)
    {
        var leaving = plan.Actions.OfType<StorageAction.Release>().Select(release => release.Pool).ToHashSet();
        var watches = _watches.Where(watch => !leaving.Contains(watch.Key)).ToList();
        foreach (var (pool, watch) in watches)
        {
            var interests = plan.Interests.GetValueOrDefault(pool, []);
            watch.Mind(interests);
            watch.BeginIfDue(interests, now);
        }
        return watches.Select(watch => watch.Value.WakeAt).DefaultIfEmpty(TimeSpan.MaxValue).Min();
    }

    /// <returns>When to report again, if only because of progress.</returns>
    private TimeSpan Publish(StoragePlan plan, TimeSpan now)
    {
        if (now - _sampledAt >= _options.ProgressInterval)
            (_sample, _sampledAt) = (_board.Sample(), now);
        var changes = _report.Become(_orders is { } orders ? _sample.Show(plan, orders) : plan);
        if (changes.Count > 0 || !_hasReported)
            _output.Writer.TryWrite(new HostOutput.Rows(changes));
        _hasReported = true;
        return plan.Actions.Count > 0 ? _sampledAt + _options.ProgressInterval : TimeSpan.MaxValue;
    }

    private static ReconcileResult Next(TimeSpan look, TimeSpan report, TimeSpan? plan, TimeSpan now)
    {
        var at = new[] { look, report, plan ?? TimeSpan.MaxValue }.Min();
        return at == TimeSpan.MaxValue ? ReconcileResult.Settled : new ReconcileResult(at - now, "time is up");
    }

    [LoggerMessage(EventId = 3304, Level = LogLevel.Debug, Message = "Plan:\n{Plan}")]
    private partial void LogPlan(StoragePlan plan);
}
