using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Networks.Links;

/// <summary>
/// Networks from a seed. What is there comes of steps of ours and of others in any order, as far as the kernel takes them; what is
/// wanted hangs together, and is otherwise anything.
/// </summary>
internal sealed class RandomNetworks(int seed)
{
    public static readonly string[] Cards = ["eth0", "eth1", "eth2"];
    private static readonly string[] Bonds = [Plans.Bond, "pcb000000000002"];
    private static readonly string[] Vlans = [Plans.Vlan, "pcv00000000.065", "pcv00000000.066"];
    private static readonly string[] Bridges = [Plans.Bridge, "pcs000000000002"];
    private static readonly string[] Tunnels = [Plans.Tunnel, "pcx000000000002"];
    private static readonly string[] Taps = [Plans.Tap, "pct000000000002", "pct000000000003"];
    private static readonly string[] Foreign = ["mine0", "mine1"];
    private static readonly string[] Ends = ["guests", "world"];
    private static readonly string[] Macs = ["02:00:00:00:00:71", "02:00:00:00:00:72", "02:00:00:00:00:73"];
    private static readonly string[] Addresses = ["192.0.2.1/24", "192.0.2.2/24", "192.0.2.2/32", "198.51.100.1/24", "fd00::1/64", "fd00::1/128", "fd00::2/64"];

    private readonly Random _random = new(seed);

    public int Next(int below) => _random.Next(below);

    public T Of<T>(params IReadOnlyList<T> all) => all[_random.Next(all.Count)];

    private bool Sometimes(int percent = 50) => _random.Next(100) < percent;

    /// <summary>What is there: after steps of anybody.</summary>
    public NetworkState Actual()
    {
        var model = new KernelModel(Plans.Host([.. Cards.Select(card => Plans.Found(card, isUp: Sometimes()))]));
        if (Sometimes())
            Try(() => Wanted(), model);
        for (var i = Next(60); i > 0; i--)
        {
            try
            {
                model.Apply(Step(model));
            }
            catch (NetworkException)
            {
                // The kernel does not take everything from anybody.
                continue;
            }
        }
        return model.State;
    }

    private static void Try(Func<NetworkState> wanted, KernelModel model)
    {
        foreach (var step in NetworkPlanner.Plan(model.State, wanted()).Steps)
            model.Apply(step);
    }

    private NetworkStep Step(KernelModel model)
    {
        var space = Sometimes(80) ? "" : Plans.Space;
        var names = (string[])[.. model.Find(space)?.Links.Keys ?? [], "nosuch"];
        var link = Of(names);
        var isOurs = Sometimes();
        var address = Of(Addresses);
        switch (Next(14))
        {
            case 0:
                return Sometimes(90) ? new NetworkStep.AddNamespace(Plans.Space) : new NetworkStep.RemoveNamespace(Plans.Space);
            case 1 or 2 or 3 or 4:
                return new NetworkStep.AddLink(space, Any(names));
            case 5:
                return new NetworkStep.RemoveLink(space, link);
            case 6 or 7:
                return new NetworkStep.ChangeLink(space, new Link
                {
                    Name = link,
                    Kind = LinkKind.Other,
                    Master = Sometimes() ? Of((string[])["", .. Bonds, .. Bridges, .. Foreign]) : null,
                    IsUp = Of<bool?>(true, false, null),
                    Mtu = Of<int?>(1300, 1500, 9000, null),
                });
            case 8:
                return new NetworkStep.AddAddress(space, new LinkAddress(link, address, isOurs));
            case 9:
                var isIpv6 = Sometimes();
                return new NetworkStep.AddRoute(space, new Route(
                    isIpv6 ? "2001:db8::/32" : Of("203.0.113.0/24", "default"), isIpv6, null, link, Table: Of(254, 100), IsOurs: isOurs));
            case 10:
                return new NetworkStep.AddRule(space, new RoutingRule(Sometimes(), link, Of(100, 101)));
            case 11:
                return new NetworkStep.AddNeighbour(space, new Neighbour(link, Of("10.0.0.1", "fd00::9"), Of(Macs)));
            case 12:
                return new NetworkStep.AddForwarding(space, new Forwarding(link, Of((string[])[.. Macs, KernelModel.ForEverybody]), Of("192.0.2.8", "192.0.2.9", null)));
            default:
                return new NetworkStep.SetSysctl(space, SysctlNames.Ipv6(link, "accept_ra"), Of("0", "1"));
        }
    }

    /// <summary>A link of anybody, that may have no alias, that of another, or ours.</summary>
    private Link Any(string[] names)
    {
        var link = Next(6) switch
        {
            0 => Plans.NewBond(Of(BondMode.ActiveBackup, BondMode.Lacp), Of(LacpRate.Slow, LacpRate.Fast), name: Of(Bonds)),
            1 => Plans.NewVlan(Of(names), Next(3), name: Of(Vlans)),
            2 => Plans.NewBridge(Of(Bridges)),
            3 => Plans.NewTunnel(Of("192.0.2.1", "fd00::1"), Next(3), Of(names), Of(Tunnels)) with { Vxlan = new VxlanSettings(Next(3), Of("192.0.2.1", "fd00::1"), Sometimes() ? Of(names) : null) },
            4 => Plans.NewTap(Of(Taps)),
            _ => Plans.NewCable() with { Veth = new VethSettings(Of("", Plans.Space), Of(Ends)) },
        };
        return link with
        {
            Name = Sometimes(25) ? Of((string[])[.. Foreign, .. Bridges, .. Taps, .. Bonds, .. Tunnels, .. Vlans, .. Ends]) : link.Name,
            Alias = Of(link.Alias, link.Alias, null, "mine"),
            Master = Sometimes(30) ? Of(names) : null,
            IsUp = Sometimes(),
            Mtu = Of<int?>(null, 1400),
            Port = null,
        };
    }

    /// <summary>What is wanted.</summary>
    public NetworkState Wanted()
    {
        var links = new List<Link>();
        var bonds = Bonds.Where(_ => Sometimes()).ToArray();
        var bridges = Bridges.Where(_ => Sometimes()).ToArray();
        string? Master() => bridges.Length > 0 && Sometimes() ? Of(bridges) : Of("", null);
        links.AddRange(bonds.Select(name => Plans.NewBond(
            Of(BondMode.ActiveBackup, BondMode.Lacp), Of(LacpRate.Slow, LacpRate.Fast), Of<int?>(null, 1500, 9000), name, Of(null, "", Master()))));
        links.AddRange(bridges.Select(name => Plans.NewBridge(name, Of<int?>(1450, 1500, null))));
        foreach (var card in Cards.Where(_ => Sometimes(70)))
        {
            var bond = bonds.Length > 0 && Sometimes() ? Of(bonds) : null;
            links.Add(bond is null ? Plans.Card(card, Master(), isUp: true, Of<int?>(null, 1500)) : Plans.Card(card, bond, Of<bool?>(true, null)));
        }
        var grounds = links.Where(link => link.Kind != LinkKind.Bridge && !bonds.Contains(link.Master)).Select(link => link.Name).ToArray();
        foreach (var (name, i) in Vlans.Select((name, i) => (name, i)).Where(_ => grounds.Length > 0 && Sometimes()))
            links.Add(Plans.NewVlan(Of(grounds), i, Of<int?>(null, 1500, 9000), name, Master()));
        string?[] below = [null, .. links.Where(link => link.Kind is LinkKind.Vlan or LinkKind.Bond).Select(link => link.Name)];
        foreach (var (name, i) in Tunnels.Select((name, i) => (name, i)).Where(_ => Sometimes()))
        {
            var tunnel = Plans.NewTunnel(Of("192.0.2.1", "192.0.2.2", "fd00::1"), i, Of(below), name, Master());
            links.Add(tunnel with { Mtu = Of<int?>(1200, 1450, null) });
        }
        links.AddRange(Taps.Where(_ => Sometimes()).Select(name => Plans.NewTap(name, Master())));
        var hasSpace = Sometimes();
        if (hasSpace)
            links.Add(Plans.NewCable() with { Master = Master() });
        var host = Addressed(Plans.Of([.. links]), links.Where(link => link.IsUp == true && !bonds.Contains(link.Master)).Select(link => link.Name).ToArray());
        var ports = links.Where(link => bridges.Contains(link.Master) && link.IsOurs).ToArray();
        var forwardings = Macs.Where(_ => ports.Length > 0 && Sometimes()).Select(mac => new Forwarding(Of(ports).Name, mac)).ToList();
        foreach (var tunnel in links.Where(link => link.Vxlan is not null))
        {
            forwardings.AddRange(Macs.Where(_ => Sometimes()).Select(mac => new Forwarding(tunnel.Name, mac, Of("192.0.2.8", "192.0.2.9"))));
            forwardings.AddRange(((string[])["192.0.2.8", "192.0.2.9"]).Where(_ => Sometimes()).Select(endpoint => new Forwarding(tunnel.Name, KernelModel.ForEverybody, endpoint)));
        }
        host = host with
        {
            Forwardings = [.. forwardings],
            Neighbours = [.. bridges.Where(_ => Sometimes()).Select(bridge => new Neighbour(bridge, Of("10.0.0.1", "fd00::9"), Of(Macs)))],
        };
        var state = Plans.Host(host);
        return hasSpace
            ? state.With(Plans.Space, Addressed(Plans.Of(Plans.NewCableEnd()), ["guests"]))
            : Sometimes() ? state : state.With(Plans.Space, new NamespaceState());
    }

    private NamespaceState Addressed(NamespaceState state, string[] links)
    {
        if (links.Length == 0)
            return state;
        var addresses = new List<LinkAddress>();
        foreach (var address in Addresses.Where(_ => Sometimes(40)))
        {
            var link = Of(links);
            // An IPv6 address is on a link once, whatever its prefix length.
            if (!addresses.Any(other => other.Link == link && AddressText.Bare(other.Address) == AddressText.Bare(address)))
                addresses.Add(new LinkAddress(link, address));
        }
        var routes = new List<Route>();
        if (Sometimes())
            routes.Add(new Route("203.0.113.0/24", IsIpv6: false, null, Of(links), Table: Of(254, 100)));
        if (Sometimes())
            routes.Add(new Route("2001:db8::/32", IsIpv6: true, null, Of(links)));
        if (addresses.Find(address => address.Address.StartsWith("192.0.2.1/", StringComparison.Ordinal)) is { } base4 && Sometimes())
            routes.Add(new Route("default", IsIpv6: false, "192.0.2.254", base4.Link, Of(null, "192.0.2.1")));
        if (addresses.Find(address => address.Address == "fd00::2/64") is { } base6 && Sometimes())
            routes.Add(new Route("default", IsIpv6: true, "fd00::fe", base6.Link));
        return state with
        {
            Addresses = [.. addresses],
            Routes = [.. routes],
            Rules = Sometimes() ? [new RoutingRule(Sometimes(), Of(links), 100)] : [],
            Sysctls = Sometimes() ? state.Sysctls.Add(SysctlNames.Ipv4(Of(links), "rp_filter"), "2") : state.Sysctls,
        };
    }
}
