using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>
/// What the host's own network is to be: cards, bonds, VLANs and the addresses of roles. Pure.
/// </summary>
/// <remarks>
/// <code>
///   bond of several cards    card ─┐
///                            card ─┴─ pcb… ─┬─ role without a VLAN
///                                           └─ pcv… ── role on a VLAN
///   bond of mode single      card ──────────┬─ role without a VLAN
///                                           └─ pcv… ── role on a VLAN
/// </code>
/// What a card had before it became a port of a bond, the address that the host booted with and its routes, goes to the bond, and
/// stays there until the ledger says that it is retired: a port cannot use it.
/// </remarks>
public sealed class HostLayout
{
    /// <summary>Between routes of the same destination; those that somebody else made without one are preferred.</summary>
    private const int RouteMetric = 98;

    private readonly HostOrders _orders;
    private readonly ImmutableDictionary<NetworkSubject, string>.Builder _links = ImmutableDictionary.CreateBuilder<NetworkSubject, string>();
    private readonly ImmutableDictionary<NetworkSubject, string>.Builder _faults = ImmutableDictionary.CreateBuilder<NetworkSubject, string>();
    private readonly Dictionary<string, Link> _cards;
    private NamespaceState _wanted = new();

    private HostLayout(HostOrders orders, NamespaceState actual)
    {
        _orders = orders;
        _cards = CardsOf(actual);
    }

    /// <summary>What the host's namespace is to have.</summary>
    public NamespaceState Wanted => _wanted;

    /// <summary>The link of each card, bond, role and VLAN.</summary>
    public ImmutableDictionary<NetworkSubject, string> Links { get; private set; } = ImmutableDictionary<NetworkSubject, string>.Empty;

    /// <summary>What cannot be made, in words.</summary>
    public ImmutableDictionary<NetworkSubject, string> Faults { get; private set; } = ImmutableDictionary<NetworkSubject, string>.Empty;

    public static HostLayout Of(HostOrders orders, NamespaceState actual, BootedNetwork booted)
    {
        var layout = new HostLayout(orders, actual);
        foreach (var bond in orders.Bonds)
            layout.AddBond(bond);
        layout.AddIdle(actual);
        foreach (var role in orders.Roles)
            layout.AddRole(role);
        layout.AddDefaultRoutes();
        layout.AddBooted(booted);
        layout.Links = layout._links.ToImmutable();
        layout.Faults = layout._faults.ToImmutable();
        return layout;
    }

    /// <summary>The cards of the machine, by the addresses that they were made with.</summary>
    public static Dictionary<string, Link> CardsOf(NamespaceState actual)
    {
        var cards = new Dictionary<string, Link>(StringComparer.Ordinal);
        foreach (var link in actual.Links.Values.Where(link => link.IsCard))
        {
            if ((link.PermanentAddress ?? link.HardwareAddress) is { } address)
                cards.TryAdd(address, link);
        }
        return cards;
    }

    /// <summary>The link that carries what is on a VLAN of a bond, made where it is not there yet; null where the bond has none.</summary>
    public static string? LinkOn(BondDesired bond, int? tag, string? trunk) =>
        trunk is null ? null : tag is { } id ? LinkNames.Vlan(bond.Uuid, id) : trunk;

    /// <summary>The link of a VLAN that is to be there.</summary>
    public static Link VlanLink(BondDesired bond, int tag, string trunk) => new()
    {
        Name = LinkNames.Vlan(bond.Uuid, tag),
        Kind = LinkKind.Vlan,
        Alias = $"{Marks.Alias} vlan {tag} of bond {bond.Uuid}",
        IsUp = true,
        Mtu = bond.Mtu,
        Vlan = new VlanSettings(trunk, tag),
    };

    private void AddBond(BondDesired bond)
    {
        var subject = new NetworkSubject.Bond(bond.Uuid);
        var cards = _orders.NicsOf(bond.Uuid).ToList();
        foreach (var nic in cards.Where(nic => !_cards.ContainsKey(nic.Hwaddr)))
            _faults[new NetworkSubject.Nic(nic.Hwaddr)] = "The machine has no card with this address.";
        var present = cards.Where(nic => _cards.ContainsKey(nic.Hwaddr)).Select(nic => (nic.Hwaddr, Link: _cards[nic.Hwaddr])).ToList();
        foreach (var (hwaddr, link) in present)
            _links[new NetworkSubject.Nic(hwaddr)] = link.Name;
        if (bond.Mode == BondMode.Single)
        {
            if (present.Count != 1)
            {
                _faults[subject] = cards.Count == 0 ? "The bond has no card." : "The machine does not have the card of the bond.";
                return;
            }
            _links[subject] = present[0].Link.Name;
            Add(Card(present[0].Link, bond, master: ""));
            return;
        }
        var name = LinkNames.Bond(bond.Uuid);
        _links[subject] = name;
        if (present.Count == 0)
            _faults[subject] = "The machine has none of the cards of the bond.";
        Add(new Link
        {
            Name = name,
            Kind = LinkKind.Bond,
            Alias = $"{Marks.Alias} bond {bond.Uuid}",
            // Without one it would have its first card's or one of udev's, whichever comes first.
            HardwareAddress = cards.FirstOrDefault()?.Hwaddr,
            IsUp = true,
            Mtu = bond.Mtu,
            Bond = new BondSettings(bond.Mode, bond.LacpRate, bond.XmitHashPolicy),
        });
        foreach (var (_, link) in present)
            Add(Card(link, bond, name));
    }

    private static Link Card(Link actual, BondDesired bond, string master) => new()
    {
        Name = actual.Name,
        Kind = actual.Kind,
        IsUp = true,
        Mtu = bond.Mtu,
        // Of a bridge or bond that somebody else made a single card stays a port; the bond is told of as broken then.
        Master = master.Length > 0 || LinkNames.IsOurs(actual.Master) ? master : null,
    };

    /// <summary>A card that nothing needs any more is let go by what the platform made.</summary>
    private void AddIdle(NamespaceState actual)
    {
        foreach (var card in _cards.Values.Where(card => LinkNames.IsOurs(card.Master) && !_wanted.Links.ContainsKey(card.Name)))
            Add(new Link { Name = card.Name, Kind = card.Kind, Master = "" });
        foreach (var (hwaddr, link) in _cards)
            _links.TryAdd(new NetworkSubject.Nic(hwaddr), link.Name);
    }

    private void AddRole(NetRoleDesired role)
    {
        var subject = new NetworkSubject.Role(role.Uuid);
        var bond = _orders.Bonds.First(bond => bond.Uuid == role.Bond);
        var trunk = _links.GetValueOrDefault(new NetworkSubject.Bond(bond.Uuid));
        if (LinkOn(bond, role.VlanId, trunk) is not { } link)
        {
            _faults[subject] = $"Its bond has no link: {_faults.GetValueOrDefault(new NetworkSubject.Bond(bond.Uuid))}";
            return;
        }
        if (role.VlanId is { } tag)
        {
            _links[new NetworkSubject.Vlan(bond.Uuid, tag)] = link;
            Add(VlanLink(bond, tag, trunk!));
        }
        _links[subject] = link;
        if (role.Address is not null)
            _wanted = _wanted with { Addresses = _wanted.Addresses.Add(new LinkAddress(link, $"{role.Address}/{role.Prefix}")) };
    }

    private void AddDefaultRoutes()
    {
        foreach (var family in _orders.Roles.Where(role => role.Gateway is not null && _links.ContainsKey(new NetworkSubject.Role(role.Uuid)))
            .GroupBy(role => IsIpv6(role.Gateway!)))
        {
            var chosen = family.OrderBy(role => role.Role switch { NetRole.Management => 0, NetRole.Public => 1, _ => 2 })
                .ThenBy(role => role.Uuid).First();
            if (chosen.Role is not (NetRole.Management or NetRole.Public))
                continue;
            _wanted = _wanted with
            {
                Routes = _wanted.Routes.Add(new Route(
                    "default", family.Key, chosen.Gateway, _links[new NetworkSubject.Role(chosen.Uuid)], Metric: RouteMetric)),
            };
        }
    }

    private void AddBooted(BootedNetwork booted)
    {
        foreach (var nic in _orders.Nics)
        {
            var had = booted.Of(nic.Hwaddr);
            if (had is null || had.IsRetired || nic.Bond is not { } uuid)
                continue;
            var bond = _orders.Bonds.FirstOrDefault(bond => bond.Uuid == uuid);
            if (bond is null or { Mode: BondMode.Single } || !_links.TryGetValue(new NetworkSubject.Bond(uuid), out var link))
                continue;
            _wanted = _wanted with
            {
                Addresses = _wanted.Addresses.Union(had.Addresses.Select(address => new LinkAddress(link, address))),
                Routes = _wanted.Routes.Union(had.Routes.Select(route => route with { Link = link, IsOurs = true, Metric = route.Metric ?? RouteMetric + 1 })),
            };
        }
    }

    private void Add(Link link) => _wanted = _wanted with { Links = _wanted.Links.SetItem(link.Name, link) };

    private static bool IsIpv6(string address) => address.Contains(':', StringComparison.Ordinal);
}
