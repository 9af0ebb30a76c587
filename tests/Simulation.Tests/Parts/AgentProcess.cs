using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Simulation.Tests.Parts;

/// <summary>
/// One start of a Twilight: its own link, planner, decisions, memory, executor and report. Only the two loops that call
/// them are the simulation's, in virtual time.
/// </summary>
#pragma warning disable CA1001 // A process that is killed cleans nothing up, and what it held here holds nothing of the machine's.
internal sealed class AgentProcess
#pragma warning restore CA1001
{
    private static readonly RetryOptions Retry = new();
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SafetyInterval = TimeSpan.FromSeconds(60);

    private readonly World _world;
    private readonly TimeSpan _epoch;
    private readonly ActionExecutor _executor;
    private readonly HostPlanner _planner;
    private readonly HostReport _report;
    private readonly AgentHypervisor _hypervisor;
    private readonly Dictionary<Guid, InstanceMemory> _memory = [];
    private RemovalGuard _guard = RemovalGuard.None;
    private bool _isAwake;
    private int _passes;
    private long _memoryFree;
    private long _seen;
    private RowChange? _lie;

    public AgentProcess(World world, Machine machine)
    {
        _world = world;
        Machine = machine;
        // The clock of every machine counts from somewhere else.
        _epoch = world.Chance.Seconds(0, 10_000);
        Peer = new PeerId(world.Chance.NextId());
        Link = new SparkleLink(world.Catalog, machine.Uuid, world.Chance, TimeSpan.FromSeconds(15), world.Limits, epoch: machine.Epoch);
        _planner = new HostPlanner(
            world.Catalog, machine.Uuid, new DomainOptions { Accelerator = Accelerator.Tcg, ConsoleDirectory = "/var/log/console" });
        _report = new HostReport(world.Catalog);
        _hypervisor = new AgentHypervisor(world, this);
        // What ended is noticed when the hypervisor's call ends; the executor's own word comes from another thread.
        _executor = new ActionExecutor(_hypervisor, [], new FakeMigrations(_hypervisor), () => { }, NullLogger<ActionExecutor>.Instance);
        world.Agenda.After(world.Chance.Seconds(0, 1), () => world.Agenda.Every(Tick, () => IsDead, () => Send(Link.Tick(Now))));
        world.Agenda.After(world.Chance.Seconds(0.05, 2), () => Wake());
        if (world.Mutant.ReportsBeforeScan)
            Send(Link.CurrentChanged([RowChange.Set(world.Catalog["host"], RowPart.Current, machine.Inventory(0))], Now));
    }

    public Machine Machine { get; }

    public PeerId Peer { get; }

    public SparkleLink Link { get; }

    public bool IsDead { get; set; }

    /// <summary>What an operator would have to say for held domains to be removed; null when none are.</summary>
    public string? HeldToken => _guard.Token;

    private TimeSpan Now => _world.Agenda.Now + _epoch;

    public void Receive(byte[] body)
    {
        body = _world.Mutant.AgentReceives(_world, this, body);
        var answers = Link.Receive(body, Now);
        Machine.Epoch = Link.Epoch;
        Send(answers);
        if (Link.DesiredVersion == _seen || !Link.IsDesiredKnown)
            return;
        _seen = Link.DesiredVersion;
        _world.Checks.Desired.ReplicaChanged(Machine, Link.Replica, body);
        Wake();
    }

    public void Undelivered()
    {
        if (!IsDead)
            Link.Undelivered(Now);
    }

    /// <summary>Says anything, whatever is true.</summary>
    public void Lie(Message message) => _world.Network.ToSparkle(this, _world.Codec.Encode(message), isHonest: false);

    /// <summary>Slips a change into the next update, in its own stream.</summary>
    public void AddToNext(RowChange change) => _lie = change;

    /// <summary>Looks at everything, soon.</summary>
    public void Wake() => WakeIn(_world.Chance.Seconds(0.001, 0.03));

    private void WakeIn(TimeSpan delay)
    {
        if (_isAwake || IsDead)
            return;
        _isAwake = true;
        _world.Agenda.After(delay, () =>
        {
            if (IsDead)
                return;
            _isAwake = false;
            Pass();
        });
    }

    private void Pass()
    {
        foreach (var outcome in _executor.Collect())
        {
            _world.Trace.Say($"{Machine.Name}: {outcome.Action} {outcome.End} {outcome.Why}");
            var instance = outcome.Action.Instance;
            _memory[instance] = _memory.GetValueOrDefault(instance, InstanceMemory.None).After(outcome, Now, Retry);
        }
        var desired = Link.IsDesiredKnown || _world.Mutant.PlansBeforeOrders ? Link.Replica : null;
        var scan = _hypervisor.Scan();
        var inFlight = _executor.InFlight;
        if (desired is not null)
        {
            _guard = _planner.Judge(_guard, desired, Link.Released, scan, _world.Guard);
            Remember(desired, scan, inFlight);
        }
        var plan = _planner.Plan(new PlannerInput
        {
            Desired = desired,
            Scan = scan,
            Memory = _memory,
            InFlight = inFlight,
            Guard = _guard,
            Now = Now,
        });
        foreach (var action in plan.Actions.Where(action => inFlight.GetValueOrDefault(action.Instance) != action))
        {
            _world.Trace.Say($"{Machine.Name}: {action}");
            _world.Checks.Domains.Begins(Machine, Link, action);
        }
        _executor.Carry(plan.Actions);
        Report(plan);
        _passes++;
        var again = plan.WakeAt is { } at && at - Now < SafetyInterval ? at - Now : SafetyInterval;
        var pass = _passes;
        _world.Agenda.After(again, () =>
        {
            if (pass == _passes)
                WakeIn(TimeSpan.Zero);
        });
    }

    private void Report(HostPlan plan)
    {
        if (_passes % 4 == 0)
            _memoryFree = _world.NextStamp();
        var changes = _report.Complete(Machine.Inventory(_memoryFree), plan);
        if (changes.Count == 0)
            return;
        var full = _passes == 0 ? [] : new Dictionary<(Entity, RowKey), object>(Machine.Reports[^1]);
        foreach (var change in changes)
        {
            if (change.Value is null)
                full.Remove((change.Entity, change.Key));
            else
                full[(change.Entity, change.Key)] = change.Value;
        }
        Machine.Reports.Add(full);
        Send(Link.CurrentChanged(changes, Now));
    }

    private void Remember(StateSnapshot desired, DomainScan scan, IReadOnlyDictionary<Guid, InstanceAction> inFlight)
    {
        var wanted = _planner.WantedIn(desired);
        var own = scan.Domains.ToDictionary(domain => domain.Uuid);
        foreach (var instance in _memory.Keys.Union(wanted.Keys).Union(own.Keys).ToList())
        {
            var isBusy = inFlight.ContainsKey(instance) || scan.Unsettled.Contains(instance);
            if (!wanted.ContainsKey(instance) && !own.ContainsKey(instance) && !isBusy)
            {
                _memory.Remove(instance);
                continue;
            }
            var order = wanted.TryGetValue(instance, out var want) ? want.Order : InstanceOrder.Unwanted;
            _memory[instance] = _memory.GetValueOrDefault(instance, InstanceMemory.None)
                .Observe(order, own.GetValueOrDefault(instance), isBusy, Now, Retry);
        }
    }

    private void Send(IEnumerable<Message> messages)
    {
        foreach (var honest in messages)
        {
            var message = honest;
            if (_lie is { } lie && honest is Message.TwilightUpdate(_, var update) told)
            {
                message = told with { Update = update with { Changes = [.. update.Changes, lie] } };
                _lie = null;
            }
            if (_world.Mutant.AgentSends(_world, this, message) is not { } sent)
                continue;
            var body = _world.Codec.Encode(sent);
            if (sent is Message.TwilightResync)
                Machine.Line.LastRequest = (this, body);
            _world.Network.ToSparkle(this, body);
        }
    }
}
