using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>What a planner looks at, put together by hand.</summary>
internal sealed class PlannerBench
{
    public static readonly Guid Host = Guid.Parse("11111111-2222-3333-4444-555555555555");

    public static readonly DomainOptions Domains = new() { Accelerator = Accelerator.Tcg, ConsoleDirectory = "/var/log/console" };

    private readonly StateStore _desired = new(EntityCatalog.Load());
    private readonly Dictionary<Guid, ObservedDomain> _domains = [];
    private readonly Dictionary<Guid, InstanceMemory> _memory = [];
    private readonly Dictionary<Guid, InstanceAction> _inFlight = [];
    private readonly Dictionary<Guid, CardState> _cards = [];
    private readonly Dictionary<Guid, DiskState> _disks = [];
    private readonly Dictionary<Guid, MigrationView> _migrations = [];
    private readonly HostPlanner _planner;

    public PlannerBench() => _planner = new HostPlanner(_desired.Catalog, Host, Domains);

    public bool IsDesiredKnown { get; init; } = true;

    public HashSet<Guid> Unsettled { get; } = [];

    /// <summary>Instances whose removal was ordered by name; null for a controller that does not say.</summary>
    public HashSet<Guid>? Released { get; set; }

    /// <summary>What the guard found at the last plan.</summary>
    public RemovalGuard Guard { get; private set; } = RemovalGuard.None;

    public static RowChange[] Wanted(
        EntityCatalog catalog, Guid instance, InstanceState state, long mem = 512, int stopTimeout = 60, Guid? profile = null, Guid? host = null,
        InstanceRestart restart = InstanceRestart.Always) =>
    [
        RowChange.Set(catalog["instance"], RowPart.Desired, new InstanceDesired
        {
            Uuid = instance, Tenant = Guid.Empty, Name = "web", State = state, Mem = mem, StopTimeout = stopTimeout, CpuProfile = profile, Restart = restart,
        }),
        RowChange.Set(catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = host ?? Host, Instance = instance }),
    ];

    public void Want(
        Guid instance, InstanceState state, long mem = 512, int stopTimeout = 60, Guid? profile = null, Guid? host = null) =>
        _desired.Apply(Wanted(_desired.Catalog, instance, state, mem, stopTimeout, profile, host));

    /// <summary>The instance's row is changed.</summary>
    public void Rewrite(Guid instance, Func<InstanceDesired, InstanceDesired> change)
    {
        var row = (InstanceDesired)_desired.Snapshot[_desired.Catalog["instance"]].Find(instance)!.Desired!;
        _desired.Apply([RowChange.Set(_desired.Catalog["instance"], RowPart.Desired, change(row))]);
    }

    /// <summary>The domain of the instance is as it was, but for this.</summary>
    public void Reobserve(Guid instance, Func<ObservedDomain, ObservedDomain> change) => _domains[instance] = change(_domains[instance]);

    /// <summary>The domain of the instance has another mark.</summary>
    public void Mark(Guid instance, Func<DomainMetadata, DomainMetadata> change) =>
        Reobserve(instance, domain => domain with { Metadata = change(DomainMetadata.Of(domain)!).ToXml().ToString() });

    /// <summary>An instance is to have a card.</summary>
    public InstanceCard WantCard(
        Guid instance, Guid vnic, int index = 0, VnicModel model = VnicModel.Virtio, VnicLink link = VnicLink.Up, string? address = null)
    {
        var row = CardRow(instance, vnic, index, model, link, address);
        _desired.Apply([RowChange.Set(_desired.Catalog["vnic"], RowPart.Desired, row)]);
        return InstanceCard.Of(row);
    }

    public static VnicDesired CardRow(
        Guid instance, Guid vnic, int index = 0, VnicModel model = VnicModel.Virtio, VnicLink link = VnicLink.Up, string? address = null) => new()
        {
            Uuid = vnic,
            Instance = instance,
            Switch = Guid.Empty,
            Macaddr = address ?? $"52:54:00:00:00:{index:x2}",
            Index = index,
            Model = model,
            Link = link,
        };

    public void UnwantCard(Guid vnic) => _desired.Apply([RowChange.Remove(_desired.Catalog["vnic"], RowPart.Desired, RowKey.Of(vnic))]);

    /// <summary>What there is on the host for a card.</summary>
    public void SetCard(Guid vnic, CardState state) => _cards[vnic] = state;

    /// <summary>A domain of ours has these cards.</summary>
    public void ObserveCards(Guid instance, params ObservedInterface[] cards) =>
        _domains[instance] = _domains[instance] with { Interfaces = cards };

    /// <summary>An instance is to have a disk.</summary>
    public void WantDisk(VdiskDesired row) => _desired.Apply([RowChange.Set(_desired.Catalog["vdisk"], RowPart.Desired, row)]);

    public void UnwantDisk(Guid vdisk) => _desired.Apply([RowChange.Remove(_desired.Catalog["vdisk"], RowPart.Desired, RowKey.Of(vdisk))]);

    /// <summary>What there is on the host for a disk.</summary>
    public void SetDisk(Guid vdisk, DiskState state) => _disks[vdisk] = state;

    /// <summary>A domain of ours has these disks.</summary>
    public void ObserveDisks(Guid instance, params ObservedDisk[] disks) => _domains[instance] = _domains[instance] with { Disks = disks };

    public void Unwant(Guid instance) => _desired.Apply(
    [
        RowChange.Remove(_desired.Catalog["host_instance"], RowPart.Desired, RowKey.Of(Host.ToString(), instance.ToString())),
        RowChange.Remove(_desired.Catalog["instance"], RowPart.Desired, RowKey.Of(instance)),
    ]);

    /// <summary>A domain of ours, with the shape that is wanted now.</summary>
    public void Observe(Guid instance, DomainState state, DomainReason reason = DomainReason.Other)
    {
        var shape = _planner.WantedIn(_desired.Snapshot).GetValueOrDefault(instance)?.Definition?.Shape ?? "another shape";
        _domains[instance] = new ObservedDomain
        {
            Uuid = instance, Name = DomainXml.NameOf(instance), State = state, Reason = reason,
            Metadata = new DomainMetadata(instance, shape).ToXml().ToString(),
        };
    }

    /// <summary>The domain of ours has this mark of its move.</summary>
    public void Mark(Guid instance, Guid? leaving = null, Guid? arriving = null, bool hasMigrated = false)
    {
        var mark = DomainMetadata.Of(_domains[instance])! with
        {
            Leaving = leaving,
            HasMigrated = hasMigrated,
            Arriving = arriving,
        };
        _domains[instance] = _domains[instance] with { Metadata = mark.ToXml().ToString() };
    }

    /// <summary>What the controller says of the move of an instance.</summary>
    public MigrationOrder OrderMove(Guid instance, MigrationRole role, Guid turn, Guid peer, bool hasDoor = true)
    {
        var row = new HostMigrationDesired
        {
            Host = Host,
            Instance = instance,
            Role = role,
            Turn = turn,
            PeerHost = peer,
            Endpoint = hasDoor ? "https://192.0.2.2:4000" : null,
            Fingerprint = hasDoor ? new string('a', 64) : null,
            Ticket = hasDoor ? "a ticket" : null,
        };
        _desired.Apply([RowChange.Set(_desired.Catalog["host_migration"], RowPart.Desired, row)]);
        return MigrationOrder.Of(row);
    }

    public void ForgetMove(Guid instance) => _desired.Apply(
        [RowChange.Remove(_desired.Catalog["host_migration"], RowPart.Desired, RowKey.Of(Host.ToString(), instance.ToString()))]);

    /// <summary>What the agent itself knows of the move of an instance.</summary>
    public void See(Guid instance, MigrationView view) => _migrations[instance] = view;

    /// <summary>The instance is known here, and has no place here.</summary>
    public void Know(Guid instance, InstanceState state) => _desired.Apply(Wanted(_desired.Catalog, instance, state)[..1]);

    public void ObserveForeign(Guid uuid, DomainState state) =>
        _domains[uuid] = new ObservedDomain { Uuid = uuid, Name = "foreign", State = state };

    public void InFlight(InstanceAction action) => _inFlight[action.Instance] = action;

    /// <summary>The agent was restarted.</summary>
    public void ForgetMemory(Guid instance) => _memory.Remove(instance);

    /// <summary>What was in flight has been collected.</summary>
    public void Land(Guid instance) => _inFlight.Remove(instance);

    public DomainDefinition DefinitionOf(Guid instance) => _planner.WantedIn(_desired.Snapshot, _cards, _disks)[instance].Definition!;

    public InstanceAction StartOf(Guid instance) => new InstanceAction.Start(DefinitionOf(instance), Paused: false);

    public void Remember(Guid instance, TimeSpan now, RetryOptions retry)
    {
        var order = _planner.WantedIn(_desired.Snapshot).GetValueOrDefault(instance)?.Order ?? InstanceOrder.Unwanted;
        _memory[instance] = _memory.GetValueOrDefault(instance, InstanceMemory.None)
            .Observe(order, _domains.GetValueOrDefault(instance), _inFlight.ContainsKey(instance), now, retry);
    }

    public void End(ActionOutcome outcome, TimeSpan now, RetryOptions retry)
    {
        var instance = outcome.Action.Instance;
        _memory[instance] = _memory.GetValueOrDefault(instance, InstanceMemory.None).After(outcome, now, retry);
    }

    public void Confirm(string token) => _desired.Apply(
        [RowChange.Set(_desired.Catalog["host"], RowPart.Desired, new HostDesired { Uuid = Host, Name = "host", ConfirmRemovals = token })]);

    public HostPlan Plan(TimeSpan now)
    {
        var scan = new DomainScan([.. _domains.Values], Unsettled);
        Guard = _planner.Judge(Guard, _desired.Snapshot, Released, scan, new RemovalGuardOptions());
        return _planner.Plan(new PlannerInput
        {
            Desired = IsDesiredKnown ? _desired.Snapshot : null,
            Scan = scan,
            Cards = _cards,
            Disks = _disks,
            Memory = _memory,
            Migrations = _migrations,
            InFlight = _inFlight,
            Guard = Guard,
            Now = now,
        });
    }
}
