using System.Xml.Linq;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Simulation.Tests.Parts;

/// <summary>The domains of one machine. Calls take virtual time, may fail, and go on when nobody waits for them any more.</summary>
internal sealed class SimulatedHypervisor(World world, Machine machine)
{
    private readonly SortedDictionary<Guid, SimulatedDomain> _domains = [];

    public IEnumerable<SimulatedDomain> All => _domains.Values;

    /// <summary>Whether starts may fail.</summary>
    public bool StartsFail { get; set; }

    public SimulatedDomain? Find(Guid uuid) => _domains.GetValueOrDefault(uuid);

    public void PowerLoss()
    {
        foreach (var domain in _domains.Values)
            domain.GoOff(DomainReason.Other);
    }

    /// <summary>A guest dies by itself.</summary>
    public void Crash(SimulatedDomain domain)
    {
        world.Trace.Say($"{machine.Name}: {domain.Uuid} crashes");
        domain.GoOff(DomainReason.Crashed);
        machine.Agent?.Wake();
    }

    /// <summary>The end of a call that began earlier: what it does, or why it fails.</summary>
    public void Do(string call, Guid uuid, string? xml, int start)
    {
        switch (call)
        {
            case "define":
                Define(uuid, xml!);
                break;
            case "start" or "start paused":
                var starting = Get(uuid);
                Require(starting.Start == start && starting.State == DomainState.Paused, HypervisorFailure.Failed, "was destroyed while it started");
                if (StartsFail && world.Chance.Hits(0.2))
                {
                    starting.GoOff(DomainReason.FailedToStart);
                    throw new HypervisorException(HypervisorFailure.Failed, 1, "The start failed.");
                }
                starting.Become(call == "start" ? DomainState.Running : DomainState.Paused, call == "start" ? DomainReason.Other : DomainReason.PausedByOrder);
                break;
            case "suspend":
                var running = Get(uuid);
                Require(running.State is DomainState.Running, HypervisorFailure.WrongState, "is not running");
                running.Become(DomainState.Paused, DomainReason.PausedByOrder);
                break;
            case "resume":
                var paused = Get(uuid);
                Require(paused is { State: DomainState.Paused, Reason: DomainReason.PausedByOrder }, HypervisorFailure.WrongState, "is not paused");
                paused.Become(DomainState.Running, DomainReason.Other);
                break;
            case "shutdown":
                var pressed = Get(uuid);
                Require(pressed.IsOn, HypervisorFailure.WrongState, "is not running");
                if (pressed.State == DomainState.Running && world.Chance.Hits(0.7))
                    ShutDown(pressed);
                break;
            case "destroy":
                var cut = Get(uuid);
                Require(cut.IsOn, HypervisorFailure.WrongState, "is not running");
                cut.GoOff(DomainReason.PowerCut);
                break;
            case "undefine":
                Require(!Get(uuid).IsOn, HypervisorFailure.WrongState, "is running");
                _domains.Remove(uuid);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(call), call, null);
        }
    }

    /// <summary>What a call does at once, before it takes its time.</summary>
    /// <returns>Counts the starts of the domain.</returns>
    public int Begin(string call, Guid uuid)
    {
        if (call is not ("start" or "start paused"))
            return 0;
        var domain = Get(uuid);
        Require(!domain.IsOn, HypervisorFailure.WrongState, "is running already");
        domain.Become(DomainState.Paused, DomainReason.InTransition);
        world.Checks.Domains.Started(machine, domain);
        return ++domain.Start;
    }

    private void Define(Guid uuid, string xml)
    {
        var root = XElement.Parse(xml);
        if (!_domains.TryGetValue(uuid, out var domain))
            _domains.Add(uuid, domain = new SimulatedDomain(uuid));
        domain.Define(new ObservedDomain
        {
            Uuid = uuid,
            Name = root.Element("name")!.Value,
            State = DomainState.Off,
            Vcpu = (int)root.Element("vcpu")!,
            Memory = (long)root.Element("memory")!,
            Metadata = root.Element("metadata")!.Elements().First().ToString(),
        });
    }

    private void ShutDown(SimulatedDomain domain)
    {
        domain.Become(DomainState.ShuttingDown, DomainReason.Other);
        var start = domain.Start;
        world.Agenda.After(world.Chance.Seconds(0.5, 6), () =>
        {
            if (domain.Start != start || !domain.IsOn)
                return;
            domain.GoOff(DomainReason.GuestPoweredOff);
            machine.Agent?.Wake();
        });
    }

    private SimulatedDomain Get(Guid uuid) => _domains.GetValueOrDefault(uuid)
        ?? throw new HypervisorException(HypervisorFailure.NoSuchDomain, 42, "There is no such domain.");

    private static void Require(bool holds, HypervisorFailure failure, string otherwise)
    {
        if (!holds)
            throw new HypervisorException(failure, 55, $"The domain {otherwise}.");
    }
}

/// <summary>A domain of a simulated hypervisor.</summary>
internal sealed class SimulatedDomain(Guid uuid)
{
    private ObservedDomain? _atNextStart;

    public Guid Uuid { get; } = uuid;

    public ObservedDomain Observed { get; private set; } = null!;

    public DomainState State => Observed.State;

    public DomainReason Reason => Observed.Reason;

    public bool IsOn => State is not DomainState.Off;

    /// <summary>Counts the starts.</summary>
    public int Start { get; set; }

    /// <summary>An operator declared its host gone while it was on: whatever it does, it is the operator's word.</summary>
    public bool IsGivenUp { get; set; }

    public void Define(ObservedDomain definition)
    {
        _atNextStart = definition;
        if (Observed is null || !IsOn)
            Observed = definition with { Reason = Observed?.Reason ?? DomainReason.Other };
    }

    public void Become(DomainState state, DomainReason reason) =>
        Observed = (IsOn ? Observed : _atNextStart!) with { State = state, Reason = reason };

    public void GoOff(DomainReason reason)
    {
        Observed = _atNextStart! with { State = DomainState.Off, Reason = reason };
        IsGivenUp = false;
    }
}
