using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>Everything that a plan is made from.</summary>
public sealed record PlannerInput
{
    /// <summary>The host's rows as the controller sent them; null until the first full state has come.</summary>
    public required StateSnapshot? Desired { get; init; }

    public required DomainScan Scan { get; init; }

    public required IReadOnlyDictionary<Guid, InstanceMemory> Memory { get; init; }

    /// <summary>What there is on the host for the cards that <see cref="HostPlanner.CardsIn"/> names.</summary>
    public IReadOnlyDictionary<Guid, CardState> Cards { get; init; } = ImmutableDictionary<Guid, CardState>.Empty;

    /// <summary>What there is on the host for the disks that <see cref="HostPlanner.DisksIn"/> names.</summary>
    public IReadOnlyDictionary<Guid, DiskState> Disks { get; init; } = ImmutableDictionary<Guid, DiskState>.Empty;

    /// <summary>What <see cref="HostPlanner.WantedIn"/> says of these rows, cards and disks, if it was asked already.</summary>
    public IReadOnlyDictionary<Guid, WantedInstance>? Wanted { get; init; }

    /// <summary>What agents in guests say of their addresses, of those that do.</summary>
    public IReadOnlyDictionary<Guid, TextList> Addresses { get; init; } = ImmutableDictionary<Guid, TextList>.Empty;

    /// <summary>What the agent itself knows of instances that move.</summary>
    public IReadOnlyDictionary<Guid, MigrationView> Migrations { get; init; } = ImmutableDictionary<Guid, MigrationView>.Empty;

    /// <summary>Actions that have begun and not been collected, by instance.</summary>
    public required IReadOnlyDictionary<Guid, InstanceAction> InFlight { get; init; }

    /// <summary>What must not be removed, as <see cref="HostPlanner.Judge"/> found it for the same desired state and scan.</summary>
    public RemovalGuard Guard { get; init; } = RemovalGuard.None;

    /// <summary>Monotonic.</summary>
    public required TimeSpan Now { get; init; }
}

/// <summary>
/// Compares what was ordered with what is, and says what to do next. Pure: the same input makes the same plan.
/// </summary>
/// <remarks>
/// Nothing is planned before the first full desired state has come. A domain that the platform did not make is in no
/// plan, whatever its uuid. An instance that is placed elsewhere, or nowhere, is not wanted here, and goes unless the
/// <see cref="RemovalGuard"/> holds it.
/// </remarks>
public sealed class HostPlanner
{
    private readonly Entity _instances;
    private readonly Entity _places;
    private readonly Entity _profiles;
    private readonly Entity _hosts;
    private readonly Entity _vnics;
    private readonly Entity _vdisks;
    private readonly Entity _migrations;
    private readonly Guid _host;
    private readonly DomainOptions _domains;
    private readonly Func<StateSnapshot, Guid, string?> _seeds;

    /// <param name="seeds">See <see cref="HostReconcilerOptions.Seeds"/>; answers the same for the same.</param>
    public HostPlanner(EntityCatalog catalog, Guid host, DomainOptions domains, Func<StateSnapshot, Guid, string?>? seeds = null)
    {
        _instances = catalog["instance"];
        _places = catalog["host_instance"];
        _profiles = catalog["cpu_profile"];
        _hosts = catalog["host"];
        _vnics = catalog["vnic"];
        _vdisks = catalog["vdisk"];
        _migrations = catalog["host_migration"];
        _host = host;
        _domains = domains;
        _seeds = seeds ?? ((_, _) => null);
    }

    /// <summary>The orders for the instances that are to be on this host, and no other.</summary>
    /// <param name="desired">The host's rows.</param>
    /// <param name="cards">What there is on the host for their cards; null where only the orders are of use.</param>
    /// <param name="disks">The same for their disks.</param>
    public IReadOnlyDictionary<Guid, WantedInstance> WantedIn(
        StateSnapshot desired, IReadOnlyDictionary<Guid, CardState>? cards = null, IReadOnlyDictionary<Guid, DiskState>? disks = null)
    {
        var wanted = new Dictionary<Guid, WantedInstance>();
        foreach (var placed in PlacedIn(desired))
            wanted[placed] = Want(placed, desired, cards, disks);
        return wanted;
    }

    /// <summary>The instances that may come here from another host, as they would be wanted if they had their places here.</summary>
    public IReadOnlyDictionary<Guid, WantedInstance> ComingIn(
        StateSnapshot desired, IReadOnlyDictionary<Guid, CardState> cards, IReadOnlyDictionary<Guid, DiskState> disks) =>
        OrdersIn(desired).Values.Where(order => order.Role == MigrationRole.Receive)
            .ToDictionary(order => order.Instance, order => Want(order.Instance, desired, cards, disks));

    /// <summary>The cards of the instances that are to be on this host, or come to it.</summary>
    public IEnumerable<Guid> CardsIn(StateSnapshot desired) =>
        NeededIn(desired).SelectMany(instance => VnicsOf(instance, desired)).Select(vnic => vnic.Uuid);

    /// <summary>The disks of the instances that are to be on this host, or come to it.</summary>
    public IEnumerable<Guid> DisksIn(StateSnapshot desired) =>
        NeededIn(desired).SelectMany(instance => DisksOf(instance, desired)).Select(disk => disk.Vdisk);

    /// <summary>What must not be removed now.</summary>
    /// <param name="before">What came out of the last time.</param>
    /// <param name="desired">The host's rows; complete.</param>
    /// <param name="released">Instances whose removal was ordered by name; null when the controller does not name removals.</param>
    /// <param name="scan">The domains on the host.</param>
    /// <param name="options">How much may go at once.</param>
    public RemovalGuard Judge(
        RemovalGuard before, StateSnapshot desired, IReadOnlySet<Guid>? released, DomainScan scan, RemovalGuardOptions options) =>
        before.Judge(
            new RemovalGuardInput(
                // A copy that came from elsewhere is not removed by what is said of places.
                [.. scan.Domains.Where(domain => DomainMetadata.Of(domain) is { Arriving: null })],
                PlacedIn(desired).ToHashSet(),
                released,
                (desired[_hosts].Find(_host)?.Desired as HostDesired)?.ConfirmRemovals),
            options);

    public HostPlan Plan(PlannerInput input)
    {
        var own = new Dictionary<Guid, ObservedDomain>();
        var foreign = new Dictionary<Guid, ObservedDomain>();
        foreach (var domain in input.Scan.Domains)
            (DomainMetadata.Of(domain) is null ? foreign : own)[domain.Uuid] = domain;

        var wanted = input.Desired is { } desired ? input.Wanted ?? WantedIn(desired, input.Cards, input.Disks) : null;
        var coming = input.Desired is { } orders ? ComingIn(orders, input.Cards, input.Disks) : null;
        var migrations = input.Desired is { } rows ? OrdersIn(rows) : null;
        var instances = own.Keys.Union(wanted?.Keys ?? []).Union(migrations?.Keys ?? []).Union(input.InFlight.Keys).Order();
        var plans = new List<InstancePlan>();
        var moves = new List<MigrationPlan>();
        foreach (var instance in instances)
        {
            var situation = SituationOf(instance, own, input) with
            {
                Wanted = wanted?.GetValueOrDefault(instance),
                Coming = coming?.GetValueOrDefault(instance),
                Migration = migrations?.GetValueOrDefault(instance),
            };
            var move = wanted is null || foreign.ContainsKey(instance)
                ? new MigrationDecision(null, null)
                : MigrationDecider.Decide(situation, at => Ordinary(at, input.Guard));
            var plan = PlanOf(situation, wanted is not null, foreign.GetValueOrDefault(instance), move.Instance, input);
            if (plan is not null)
                plans.Add(plan);
            if (move.Row is not null || (plan is null && move.Instance?.Action is not null) || move.WakeAt is not null)
            {
                moves.Add(new MigrationPlan(
                    instance, plan is null ? move.Instance?.Action : null, RowOf(situation, move.Row), move.WakeAt ?? move.Instance?.WakeAt)
                {
                    MayBeRead = MigrationDecider.MayBeRead(situation.Migration, move.Row),
                });
            }
        }
        return new HostPlan(plans, [.. foreign.Values.OrderBy(domain => domain.Uuid)], moves);
    }

    private static Situation SituationOf(Guid instance, Dictionary<Guid, ObservedDomain> own, PlannerInput input) => new()
    {
        Instance = instance,
        Wanted = null,
        Domain = own.GetValueOrDefault(instance),
        Cards = input.Cards,
        Disks = input.Disks,
        Memory = input.Memory.GetValueOrDefault(instance, InstanceMemory.None),
        InFlight = input.InFlight.GetValueOrDefault(instance),
        IsUnsettled = input.Scan.Unsettled.Contains(instance),
        MigrationView = input.Migrations.GetValueOrDefault(instance, MigrationView.None),
        Now = input.Now,
    };

    private static Decision Ordinary(Situation situation, RemovalGuard guard) =>
        guard.Holds(situation.Instance) ? InstanceDecider.Held(situation) : InstanceDecider.Decide(situation);

    private InstancePlan? PlanOf(Situation situation, bool areOrdersKnown, ObservedDomain? alien, Decision? decision, PlannerInput input)
    {
        if (alien is not null)
        {
            return situation.Wanted is not null
                ? Report(input, situation, new Decision(
                    null, InstanceStatus.Broken, $"The domain {alien.Name} on this host has the instance's uuid and was not made by the platform."))
                : null;
        }
        // Gone, and the action that saw to it has not been collected yet; or not here yet.
        if (situation.Domain is null && situation.Wanted is null)
            return null;
        if (!areOrdersKnown)
            return Report(input, situation, InstanceDecider.WithoutOrders(situation));
        // A copy is not the instance before it has its place here.
        if (situation.Wanted is null && DomainMetadata.Of(situation.Domain!) is { Arriving: not null })
            return null;
        return Report(input, situation, decision ?? Ordinary(situation, input.Guard));
    }

    private HostMigrationCurrent? RowOf(Situation situation, MigrationWord? word) => word is null ? null : new HostMigrationCurrent
    {
        Host = _host,
        Instance = situation.Instance,
        Status = word.Status,
        Turn = word.Turn,
        PeerHost = word.Peer,
        Ticket = word.Status == HostMigrationStatus.Ready ? situation.MigrationView.Ticket
            : MigrationDecider.MayBeRead(situation.Migration, word) ? situation.MigrationView.ReadTicket
            : null,
        Progress = word.Status == HostMigrationStatus.Sending ? situation.MigrationView.Progress?.Percent : null,
        Bytes = word.Status == HostMigrationStatus.Sending ? situation.MigrationView.Progress?.Bytes : null,
        Rate = word.Status == HostMigrationStatus.Sending ? situation.MigrationView.Rate : null,
        Why = word.Why,
    };

    private InstancePlan Report(PlannerInput input, Situation situation, Decision decision)
    {
        var mark = situation.Domain is null ? null : DomainMetadata.Of(situation.Domain);
        var current = new HostInstanceCurrent
        {
            Host = _host,
            Instance = situation.Instance,
            Status = decision.Status,
            Vcpu = situation.Domain?.Vcpu ?? 0,
            Mem = situation.Domain?.Memory ?? 0,
            Pending = TextList.Of(decision.Pending),
            Reboots = mark?.Reboots,
            Resets = mark?.Resets,
            GuestAddresses = situation.Domain is { HasAgent: true, State: not DomainState.Off } ? input.Addresses.GetValueOrDefault(situation.Instance) : null,
            Why = decision.Why,
            ConsoleLog = situation.Domain is null ? null : _domains.ConsoleLogOf(situation.Instance),
        };
        return new InstancePlan(decision.Action, current, decision.WakeAt);
    }

    /// <summary>What the controller says of instances that move, by instance.</summary>
    public IReadOnlyDictionary<Guid, MigrationOrder> OrdersIn(StateSnapshot desired) =>
        desired[_migrations].Where("host", _host.ToString())
            .Select(row => row.Desired).OfType<HostMigrationDesired>().Where(order => order.Host == _host)
            .ToDictionary(order => order.Instance, MigrationOrder.Of);

    private WantedInstance Want(
        Guid uuid, StateSnapshot desired, IReadOnlyDictionary<Guid, CardState>? cards, IReadOnlyDictionary<Guid, DiskState>? disks)
    {
        var instance = desired[_instances].Find(uuid)?.Desired as InstanceDesired;
        InstanceCard[] wantedCards = [.. CardsOf(uuid, desired, cards)];
        InstanceDisk[] wantedDisks = [.. DisksOf(uuid, desired)];
        var definition = instance is null ? null : Define(
            instance, wantedCards, [.. wantedDisks.Select(disk => disk with { Source = disks?.GetValueOrDefault(disk.Vdisk)?.Source })], desired);
        return new WantedInstance(instance, definition, wantedCards, wantedDisks);
    }

    private IEnumerable<Guid> NeededIn(StateSnapshot desired) => PlacedIn(desired)
        .Union(OrdersIn(desired).Values.Where(order => HostMigrations.IsComing(order.Role)).Select(order => order.Instance));

    private IEnumerable<Guid> PlacedIn(StateSnapshot desired) =>
        desired[_places].Where("host", _host.ToString())
            .Select(row => row.Desired).OfType<HostInstanceDesired>().Where(place => place.Host == _host)
            .Select(place => place.Instance);

    private IEnumerable<VnicDesired> VnicsOf(Guid instance, StateSnapshot desired) =>
        desired[_vnics].Where("instance", instance.ToString())
            .Select(row => row.Desired).OfType<VnicDesired>().Where(vnic => vnic.Instance == instance);

    private IEnumerable<InstanceCard> CardsOf(Guid instance, StateSnapshot desired, IReadOnlyDictionary<Guid, CardState>? cards) =>
        VnicsOf(instance, desired)
            .Select(vnic => InstanceCard.Of(vnic) with { Mtu = cards?.GetValueOrDefault(vnic.Uuid)?.Mtu })
            .OrderBy(card => card.Index ?? int.MaxValue).ThenBy(card => card.Vnic);

    private IEnumerable<InstanceDisk> DisksOf(Guid instance, StateSnapshot desired) =>
        desired[_vdisks].Where("instance", instance.ToString())
            .Select(row => row.Desired).OfType<VdiskDesired>().Where(vdisk => vdisk.Instance == instance)
            .Select(InstanceDisk.Of).OfType<InstanceDisk>()
            .OrderBy(disk => disk.Index ?? int.MaxValue).ThenBy(disk => disk.Vdisk);

    private DomainDefinition? Define(
        InstanceDesired instance, IReadOnlyList<InstanceCard> cards, IReadOnlyList<InstanceDisk> disks, StateSnapshot desired)
    {
        var seed = _seeds(desired, instance.Uuid);
        if (instance.CpuProfile is not { } uuid)
            return DomainXml.For(instance, null, cards, disks, _domains, seed);
        return desired[_profiles].Find(uuid)?.Desired is CpuProfileDesired profile
            ? DomainXml.For(instance, profile, cards, disks, _domains, seed)
            : null;
    }
}

/// <summary>An instance that is to be on this host.</summary>
/// <param name="Instance">Null when its place has come and its own row has not.</param>
/// <param name="Definition">Null when the definition cannot be made, because a row that it needs has not come.</param>
/// <param name="Cards">Its network cards, in the order in which the guest is to find them.</param>
/// <param name="Disks">Its disks, in the same way, without their sources.</param>
public sealed record WantedInstance(
    InstanceDesired? Instance, DomainDefinition? Definition, IReadOnlyList<InstanceCard> Cards, IReadOnlyList<InstanceDisk> Disks)
{
    // A switch that carries other packets now is no other order.
    public InstanceOrder Order => new(
        Instance, Definition?.Shape, string.Join(", ", [.. Cards.Select(card => card with { Mtu = null }), .. Disks.AsEnumerable<object>()]));
}
