using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Inventory;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Reconciliation;

public sealed record HostReconcilerOptions
{
    /// <summary>The uuid of this host.</summary>
    public required Guid Host { get; init; }

    public required DomainOptions Domains { get; init; }

    /// <summary>Where the controller reaches what this host serves; null while there is no such place.</summary>
    public Func<HostServerIdentity?> Server { get; init; } = () => null;

    /// <summary>The disk for cloud-init that an instance is to start with, as rows say; null for none.</summary>
    public Func<StateSnapshot, Guid, string?> Seeds { get; init; } = (_, _) => null;

    public RetryOptions Retry { get; init; } = new();

    public RemovalGuardOptions Guard { get; init; } = new();

    public ReconcilerLoopOptions Loop { get; init; } = new();
}

/// <summary>
/// Makes the host's instances be as ordered, and reports what is. Each pass: collect what actions came to, scan, plan,
/// carry the plan out, report.
/// </summary>
/// <remarks>
/// <see cref="RunAsync"/> is the one loop that owns all that changes here. While the hypervisor is away nothing is
/// decided, and what was last reported of the instances stands. Nothing is reported before the first complete pass.
/// </remarks>
public sealed partial class HostReconciler : IHostReconciler, IAsyncDisposable
{
    private readonly HostReconcilerOptions _options;
    private readonly IHypervisor _hypervisor;
    private readonly HostPlanner _planner;
    private readonly HostInventory _inventory;
    private readonly IInstanceCards _cards;
    private readonly IInstanceDisks _disks;
    private readonly DiskClaims _claims;
    private readonly IReadOnlyList<IInstancePreparation> _preparations;
    private readonly IInstanceMigrations _migrations;
    private readonly ActionExecutor _executor;
    private readonly ReconcilerLoop _loop;
    private readonly HostReport _report;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly OutOfMemory _outOfMemory;
    private readonly GuestEvents _guestEvents = new();
    private readonly GuestAgents _agents;
    private readonly long _epoch;
    private readonly Dictionary<Guid, InstanceMemory> _memory = [];
    private readonly Channel<HostOutput> _output = Channel.CreateUnbounded<HostOutput>();
    private volatile Orders? _orders;
    private RemovalGuard _guard = RemovalGuard.None;
    private ImmutableHashSet<Guid> _prepared = [];
    private HypervisorConnection? _connection;
    private ImmutableHashSet<Guid> _readable = [];

    public HostReconciler(
        HostReconcilerOptions options,
        EntityCatalog catalog,
        IHypervisor hypervisor,
        HostInventory inventory,
        IInstanceCards cards,
        IInstanceDisks disks,
        IEnumerable<IInstancePreparation> preparations,
        IInstanceMigrations migrations,
        TimeProvider time,
        ILoggerFactory loggers)
    {
        _options = options;
        _hypervisor = hypervisor;
        _inventory = inventory;
        _cards = cards;
        _disks = disks;
        _claims = new DiskClaims(disks);
        _preparations = [.. preparations];
        _migrations = migrations;
        _time = time;
        _logger = loggers.CreateLogger<HostReconciler>();
        _epoch = time.GetTimestamp();
        _planner = new HostPlanner(catalog, options.Host, options.Domains, options.Seeds);
        _report = new HostReport(catalog);
        _outOfMemory = new OutOfMemory(inventory.Proc);
        _loop = new ReconcilerLoop("host", PassAsync, options.Loop, time, _logger);
        _executor = new ActionExecutor(hypervisor, _preparations, migrations, () => _loop.Wake("action ended"), loggers.CreateLogger<ActionExecutor>());
        _agents = new GuestAgents(hypervisor, () => _loop.Wake("addresses of guests changed"), time, loggers.CreateLogger<GuestAgents>());
        _cards.Changed += OnCardsChanged;
        _disks.Changed += OnDisksChanged;
        _migrations.Changed += OnMigrationsChanged;
    }

    /// <inheritdoc/>
    public ChannelReader<HostOutput> Output => _output.Reader;

    /// <inheritdoc/>
    /// <remarks>Of what is removed, the <see cref="RemovalGuard"/> may hold some.</remarks>
    public void DesiredChanged(StateSnapshot replica, IReadOnlySet<Guid>? released)
    {
        _orders = new Orders(replica, released);
        _loop.Wake("desired state changed");
    }

    /// <summary>Runs until cancelled. The guests stay as they are.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the only way out.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = ListenAsync(ending.Token);
        var asking = _agents.RunAsync(ending.Token);
        try
        {
            await _loop.RunAsync(cancellationToken);
        }
        finally
        {
            await ending.CancelAsync();
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _executor.DisposeAsync();
            _output.Writer.TryComplete();
        }
    }

    public ValueTask DisposeAsync()
    {
        _cards.Changed -= OnCardsChanged;
        _disks.Changed -= OnDisksChanged;
        _migrations.Changed -= OnMigrationsChanged;
        _output.Writer.TryComplete();
        return _executor.DisposeAsync();
    }

    private void OnCardsChanged() => _loop.Wake("cards changed");

    private void OnDisksChanged() => _loop.Wake("disks changed");

    private void OnMigrationsChanged() => _loop.Wake("migrations changed");

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        await foreach (var happened in _hypervisor.Events.ReadAllAsync(cancellationToken))
        {
            LogHappened(happened);
            _guestEvents.Add(happened);
            _loop.Wake(happened switch
            {
                HypervisorEvent.ConnectionChanged => "hypervisor came or went",
                HypervisorEvent.CallSettled => "call settled",
                _ => "domain changed",
            });
        }
    }

    private async Task<ReconcileResult> PassAsync(IReadOnlyList<string> reasons, CancellationToken cancellationToken)
    {
        var connection = _hypervisor.Connection;
        NoteConnection(connection);
        CollectOutcomes();
        if (!connection.IsConnected)
        {
            if (_orders is { } ordered)
                CutReaders(ordered.Desired);
            Publish(_report.HostAlone(Look(connection, _report.Foreign)));
            return ReconcileResult.Settled;
        }

        // Before the scan: what was ordered later is seen by the next pass, which its own wake-up leads to.
        var orders = _orders;
        var scan = _outOfMemory.Explain(await _hypervisor.ScanAsync(cancellationToken));
        _agents.Observe(scan);
        // What ended while the scan ran stays in flight: the scan may not show its doing yet.
        var inFlight = _executor.InFlight;
        var cards = orders is null ? ImmutableDictionary<Guid, CardState>.Empty : _planner.CardsIn(orders.Desired).ToImmutableDictionary(vnic => vnic, _cards.Of);
        var disks = orders is null ? ImmutableDictionary<Guid, DiskState>.Empty : _planner.DisksIn(orders.Desired).ToImmutableDictionary(vdisk => vdisk, _disks.Of);
        // Once a pass: to render the definitions is the greater part of one in which nothing changed.
        var wanted = orders is null ? null : _planner.WantedIn(orders.Desired, cards, disks);
        if (orders is not null)
        {
            NoteGuard(_planner.Judge(_guard, orders.Desired, orders.Released, scan, _options.Guard));
            Remember(wanted!, scan, inFlight);
        }
        foreach (var told in _guestEvents.Take(scan))
            Notify(told.Type, told.Severity, told.Instance, told.Text);
        var now = Now;
        var plan = _planner.Plan(new PlannerInput
        {
            Desired = orders?.Desired,
            Scan = scan,
            Cards = cards,
            Disks = disks,
            Wanted = wanted,
            Addresses = _agents.Addresses,
            Memory = _memory,
            Migrations = orders is null ? ImmutableDictionary<Guid, MigrationView>.Empty : LookAtMigrations(orders.Desired, scan, cards, disks, wanted!),
            InFlight = inFlight,
            Guard = _guard,
            Now = now,
        });
        LogPlan(plan);
        // Who may read no longer is cut before anything is begun; who may now is told a ticket by the next pass.
        LetRead([.. plan.Migrations.Where(move => move.MayBeRead).Select(move => move.Instance)]);
        _executor.Carry(_claims.Admit(scan, inFlight, plan.Actions));
        Publish(_report.Complete(Look(connection, plan.Foreign), plan));
        return plan.WakeAt is { } at ? new ReconcileResult(at - now, "time is up") : ReconcileResult.Settled;
    }

    /// <summary>
    /// Who is to come has its ticket before that is reported, and who no longer is, has none any more. Who is to be read no longer is cut before
    /// it is seen whether anybody reads: nothing can begin to behind that.
    /// </summary>
    private Dictionary<Guid, MigrationView> LookAtMigrations(
        StateSnapshot desired, DomainScan scan, IReadOnlyDictionary<Guid, CardState> cards, IReadOnlyDictionary<Guid, DiskState> disks,
        IReadOnlyDictionary<Guid, WantedInstance> wanted)
    {
        var expected = _planner.ComingIn(desired, cards, disks).Where(coming => coming.Value.Definition is not null)
            .ToDictionary(coming => coming.Key, coming => coming.Value.Definition!.Xml);
        _migrations.Expect(expected);
        ForgetMissed(expected.Keys, wanted, scan);
        CutReaders(desired);
        return _planner.OrdersIn(desired).Keys.Union(scan.Domains.Select(domain => domain.Uuid))
            .ToDictionary(instance => instance, _migrations.Of);
    }

    /// <summary>
    /// What was made for one that did not come goes, once nobody is on the way through its door who may still make something. One that
    /// is here, or is to be, is forgotten when it goes.
    /// </summary>
    private void ForgetMissed(IEnumerable<Guid> expected, IReadOnlyDictionary<Guid, WantedInstance> wanted, DomainScan scan)
    {
        var here = scan.Domains.Select(domain => domain.Uuid).Union(wanted.Keys).ToHashSet();
        var before = _prepared;
        _prepared = [.. expected, .. before.Where(instance => _migrations.Of(instance).IsOpen)];
        foreach (var missed in before.Except(_prepared).Except(here))
            Forget(missed);
    }

    private void Forget(Guid instance)
    {
        foreach (var preparation in _preparations)
            preparation.Forget(instance);
    }

    /// <summary>Whoever reads what this host is no longer told to send.</summary>
    private void CutReaders(StateSnapshot desired)
    {
        var orders = _planner.OrdersIn(desired);
        LetRead([.. _readable.Where(instance => orders.GetValueOrDefault(instance)?.Role == MigrationRole.Send)]);
    }

    private void LetRead(ImmutableHashSet<Guid> instances)
    {
        _readable = instances;
        _migrations.LetRead(instances);
    }

    private TimeSpan Now => _time.GetElapsedTime(_epoch);

    private void CollectOutcomes()
    {
        foreach (var outcome in _executor.Collect())
        {
            var instance = outcome.Action.Instance;
            var memory = _memory.GetValueOrDefault(instance, InstanceMemory.None).After(outcome, Now, _options.Retry);
            if (outcome is { Action: InstanceAction.Reset, End: ActionEnd.Done } && _memory.GetValueOrDefault(instance)?.Restarts.Wait is not null)
                Notify("instance-reset", EventSeverity.Warning, instance, "The guest did not restart when it was asked to, and was reset.");
            _memory[instance] = memory;
            if (outcome.End != ActionEnd.Failed)
                continue;
            if (outcome.Action is not InstanceAction.DeviceChange change)
                Notify("instance-broken", EventSeverity.Error, instance, outcome.Why!);
            else if (memory.Devices.TroubleOf(change) is { Times: 1 })
                Notify(change is InstanceAction.CardChange ? "instance-card-failed" : "instance-disk-failed", EventSeverity.Warning, instance, outcome.Why!);
        }
    }

    private void Remember(IReadOnlyDictionary<Guid, WantedInstance> wanted, DomainScan scan, IReadOnlyDictionary<Guid, InstanceAction> inFlight)
    {
        var own = scan.Domains.Where(domain => DomainMetadata.Of(domain) is not null).ToDictionary(domain => domain.Uuid);
        foreach (var instance in _memory.Keys.Union(wanted.Keys).Union(own.Keys).ToList())
        {
            // What leaves or comes goes off and on by other orders than the instance's own.
            var isMoving = own.TryGetValue(instance, out var domain) && DomainMetadata.Of(domain) is { Leaving: not null } or { Arriving: not null };
            var isBusy = isMoving || inFlight.ContainsKey(instance) || scan.Unsettled.Contains(instance);
            if (!wanted.ContainsKey(instance) && !own.ContainsKey(instance) && !isBusy)
            {
                // Gone is what is seen, not what an action said: one that was withdrawn at its very end did its work too.
                _memory.Remove(instance);
                // One that may yet come has what it needs for that.
                if (!_prepared.Contains(instance))
                    Forget(instance);
                continue;
            }
            var before = _memory.GetValueOrDefault(instance, InstanceMemory.None);
            // Of one that is held nobody has ordered anything else.
            var order = wanted.TryGetValue(instance, out var want) ? want.Order
                : _guard.Holds(instance) ? before.Order : InstanceOrder.Unwanted;
            var after = before.Observe(order, own.GetValueOrDefault(instance), isBusy, Now, _options.Retry);
            _memory[instance] = after;
            if (after.Failures > before.Failures || (after.Failures > 0 && after.Order != before.Order))
                NotifyFailure(instance, after);
        }
    }

    private HostCurrent Look(HypervisorConnection connection, IReadOnlyList<ObservedDomain> foreign)
    {
        var host = _inventory.Read(connection, foreign);
        var server = _options.Server();
        return host with
        {
            TransferEndpoint = server?.Endpoint,
            TransferFingerprint = server?.Fingerprint,
            TransferToken = server?.Token,
            Held = _guard.ToJson(),
            Why = host.Why is null || _guard.Why is null ? host.Why ?? _guard.Why : $"{host.Why} {_guard.Why}",
        };
    }

    private void NoteGuard(RemovalGuard guard)
    {
        if (guard.Token is not null && guard.Token != _guard.Token)
            Notify("removal-held", EventSeverity.Warning, null, guard.Why!);
        _guard = guard;
    }

    private void NotifyFailure(Guid instance, InstanceMemory memory)
    {
        var (type, severity) = Troubles.EventOf(memory.FailureStatus);
        Notify(type, severity, instance, memory.Why!);
    }

    private void NoteConnection(HypervisorConnection connection)
    {
        if (_connection is { } before && before.IsConnected != connection.IsConnected)
        {
            if (connection.IsConnected)
                Notify("hypervisor-back", EventSeverity.Info, null, $"{connection.Version} answers again.");
            else
                Notify("hypervisor-away", EventSeverity.Error, null, connection.Why ?? "The hypervisor does not answer.");
        }
        _connection = connection;
    }

    private void Notify(string type, EventSeverity severity, Guid? instance, string text) =>
        _output.Writer.TryWrite(new HostOutput.Notification(type, severity, instance, _time.GetUtcNow(), text));

    private void Publish(IReadOnlyList<RowChange> changes)
    {
        if (changes.Count > 0)
            _output.Writer.TryWrite(new HostOutput.Rows(changes));
    }

    [LoggerMessage(EventId = 3101, Level = LogLevel.Debug, Message = "Hypervisor: {Happened}")]
    private partial void LogHappened(HypervisorEvent happened);

    [LoggerMessage(EventId = 3102, Level = LogLevel.Debug, Message = "Plan:\n{Plan}")]
    private partial void LogPlan(HostPlan plan);

    /// <summary>What the controller said last.</summary>
    private sealed record Orders(StateSnapshot Desired, IReadOnlySet<Guid>? Released);
}
