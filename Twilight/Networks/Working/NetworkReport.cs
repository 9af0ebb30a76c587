using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Rules;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Networks.Working;

/// <summary>Everything that the rows of the host's network are made from.</summary>
internal sealed record NetworkScene
{
    public required Guid Host { get; init; }

    /// <summary>As they were ordered, whether they are carried out or not.</summary>
    public HostOrders Ordered { get; init; } = HostOrders.None;

    public SwitchOrders Switches { get; init; } = SwitchOrders.None;

    /// <summary>Null before the first orders.</summary>
    public NetworkLayout? Layout { get; init; }

    public required NamespaceState Here { get; init; }

    /// <summary>What could not be made or is not carried out, beyond what the layout says.</summary>
    public IReadOnlyDictionary<NetworkSubject, string> Failures { get; init; } = new Dictionary<NetworkSubject, string>();

    /// <summary>What works, but not as somebody might expect.</summary>
    public IReadOnlyDictionary<NetworkSubject, string> Notes { get; init; } = new Dictionary<NetworkSubject, string>();

    public IReadOnlyDictionary<string, LinkCounters> Counters { get; init; } = new Dictionary<string, LinkCounters>();

    public required Func<string, NicFacts> Facts { get; init; }

    /// <summary>By tap: packets that were dropped.</summary>
    public IReadOnlyDictionary<string, CardCounters> Dropped { get; init; } = new Dictionary<string, CardCounters>();
}

/// <summary>Turns the host's network into rows, and so into what has changed since they were last reported.</summary>
internal sealed class NetworkReport(EntityCatalog catalog)
{
    private readonly ReportedRows _nics = new(catalog["host_nic"]);
    private readonly ReportedRows _bonds = new(catalog["host_bond"]);
    private readonly ReportedRows _roles = new(catalog["host_net_role"]);
    private readonly ReportedRows _vlans = new(catalog["host_vlan"]);
    private readonly ReportedRows _switches = new(catalog["host_switch"]);
    private readonly ReportedRows _vnics = new(catalog["host_vnic"]);

    public IReadOnlyList<RowChange> Become(NetworkScene scene) =>
    [
        .. _nics.Become(Nics(scene)),
        .. _bonds.Become(scene.Ordered.Bonds.Select(bond => Bond(scene, bond))),
        .. _roles.Become(scene.Ordered.Roles.Select(role => Role(scene, role))),
        .. _vlans.Become(Vlans(scene)),
        .. _switches.Become(scene.Switches.Switches.Select(one => Switch(scene, one))),
        .. _vnics.Become(scene.Switches.Vnics.SelectMany(cards => cards).Select(vnic => Vnic(scene, vnic))),
    ];

    private static IEnumerable<HostNicCurrent> Nics(NetworkScene scene)
    {
        var cards = HostLayout.CardsOf(scene.Here);
        var used = scene.Ordered.Nics.Where(nic => nic.Bond is not null).Select(nic => nic.Hwaddr).ToHashSet(StringComparer.Ordinal);
        var declared = scene.Ordered.Nics.Select(nic => nic.Hwaddr).ToHashSet(StringComparer.Ordinal);
        foreach (var (hwaddr, card) in cards.Where(card => card.Value.Kind == LinkKind.Card || declared.Contains(card.Key)))
        {
            var facts = scene.Facts(card.Name);
            var why = Why(scene, new NetworkSubject.Nic(hwaddr));
            yield return new HostNicCurrent
            {
                Host = scene.Host,
                Nic = hwaddr,
                Status = why is not null ? LinkStatus.Broken : !used.Contains(hwaddr) ? LinkStatus.Ready : Working(card),
                Link = card.Name,
                Speed = facts.Speed,
                Driver = facts.Driver,
                Carrier = card.IsUp == true ? card.HasCarrier : null,
                Why = why,
            };
        }
        foreach (var nic in scene.Ordered.Nics.Where(nic => !cards.ContainsKey(nic.Hwaddr)))
        {
            yield return new HostNicCurrent
            {
                Host = scene.Host,
                Nic = nic.Hwaddr,
                Status = LinkStatus.Missing,
                Why = "The machine has no card with this address.",
            };
        }
    }

    private static HostBondCurrent Bond(NetworkScene scene, BondDesired bond)
    {
        var subject = new NetworkSubject.Bond(bond.Uuid);
        var (status, link, why) = Describe(scene, subject);
        return new HostBondCurrent
        {
            Host = scene.Host,
            Bond = bond.Uuid,
            Status = status,
            Link = link?.Name,
            ActiveSlaves = bond.Mode == BondMode.Single
                ? link is { HasCarrier: true } ? TextList.Of([link.PermanentAddress ?? link.HardwareAddress ?? ""]) : TextList.Empty
                : TextList.Of((link?.Bond?.ActiveSlaves ?? TextList.Empty)
                    .Select(name => scene.Here.Links.GetValueOrDefault(name)).OfType<Link>()
                    .Select(card => card.PermanentAddress ?? card.HardwareAddress).OfType<string>().Order(StringComparer.Ordinal)),
            LacpPartner = link?.Bond?.LacpPartner,
            Why = why,
        };
    }

    private static HostNetRoleCurrent Role(NetworkScene scene, NetRoleDesired role)
    {
        var (status, link, why) = Describe(scene, new NetworkSubject.Role(role.Uuid));
        return new HostNetRoleCurrent { Host = scene.Host, NetRole = role.Uuid, Status = status, Link = link?.Name, Why = why };
    }

    private static IEnumerable<HostVlanCurrent> Vlans(NetworkScene scene)
    {
        foreach (var (subject, name) in scene.Layout?.Links ?? new Dictionary<NetworkSubject, string>())
        {
            if (subject is not NetworkSubject.Vlan vlan)
                continue;
            var (status, _, why) = Describe(scene, subject);
            yield return new HostVlanCurrent { Host = scene.Host, Link = name, Bond = vlan.OnBond, Tag = vlan.Tag, Status = status, Why = why };
        }
    }

    private static HostSwitchCurrent Switch(NetworkScene scene, SwitchDesired @switch)
    {
        var (status, link, why) = Describe(scene, new NetworkSubject.Switch(@switch.Uuid));
        return new HostSwitchCurrent
        {
            Host = scene.Host,
            Switch = @switch.Uuid,
            Status = status,
            Link = link?.Name,
            Mtu = link is null ? null : scene.Layout?.Mtus.GetValueOrDefault(@switch.Uuid),
            Why = why,
        };
    }

    private static HostVnicCurrent Vnic(NetworkScene scene, VnicDesired vnic)
    {
        var (status, link, why) = Describe(scene, new NetworkSubject.Vnic(vnic.Uuid));
        var counters = link is null ? null : scene.Counters.GetValueOrDefault(link.Name);
        var dropped = link is null ? null : scene.Dropped.GetValueOrDefault(link.Name);
        return new HostVnicCurrent
        {
            Host = scene.Host,
            Vnic = vnic.Uuid,
            // Nobody has a tap without a carrier open.
            Status = status == LinkStatus.Inactive ? LinkStatus.Ready : status,
            Link = link?.Name,
            Mtu = link is null ? null : scene.Layout?.Mtus.GetValueOrDefault(vnic.Switch),
            // What the guest receives is what the host sends.
            RxBytes = counters?.TxBytes,
            RxPackets = counters?.TxPackets,
            TxBytes = counters?.RxBytes,
            TxPackets = counters?.RxPackets,
            Spoofed = dropped?.Spoofed,
            Refused = dropped?.Refused,
            Why = why,
        };
    }

    private static (LinkStatus Status, Link? Link, string? Why) Describe(NetworkScene scene, NetworkSubject subject)
    {
        var name = scene.Layout?.Links.GetValueOrDefault(subject);
        var link = name is null ? null : scene.Here.Links.GetValueOrDefault(name);
        if (Why(scene, subject) is { } why)
            return (LinkStatus.Broken, link, why);
        return (link is null ? LinkStatus.Missing : Working(link), link, scene.Notes.GetValueOrDefault(subject));
    }

    private static string? Why(NetworkScene scene, NetworkSubject subject) =>
        scene.Failures.GetValueOrDefault(subject) ?? scene.Layout?.Faults.GetValueOrDefault(subject);

    private static LinkStatus Working(Link link) => link is { IsUp: true, HasCarrier: true } ? LinkStatus.Active : LinkStatus.Inactive;
}
