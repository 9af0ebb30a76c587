using System.Collections.Immutable;
using System.Net;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>
/// What routes between networks of a switch, and between them and the world: links, addresses and routes, to be added to what
/// the switches need beside, and the rules. Pure.
/// </summary>
/// <param name="Host">To be added to the host's namespace.</param>
/// <param name="Namespaces">By switch, to be added to its namespace.</param>
/// <param name="Orders">What the routers are to be, beside of that.</param>
/// <param name="Problems">By switch, what cannot be as ordered, in words.</param>
public sealed record RoutingLayout(
    NamespaceState Host,
    ImmutableSortedDictionary<Guid, NamespaceState> Namespaces,
    RoutingOrders Orders,
    ImmutableSortedDictionary<Guid, ImmutableArray<string>> Problems)
{
    /// <summary>The end of the uplink that is in the namespace of a switch.</summary>
    public const string World = "world";

    /// <summary>The routing table of what comes out of namespaces, so that it leaves by the role public and by nothing else.</summary>
    public const int Table = 9860;

    private const int DefaultMtu = 1500;

    /// <param name="world">Null on a host without role public.</param>
    /// <param name="mtu">Of that.</param>
    public static RoutingLayout Of(IEnumerable<RoutedSwitch> switches, PublicLink? world, int mtu = DefaultMtu)
    {
        var all = switches.OrderBy(one => one.Switch).ToList();
        var uplinks = world is null ? [] : all.Where(one => one.HasIpv4).ToList();
        var pairs = UplinkPairs.Of(uplinks.Select(one => one.Switch));
        var host = new HostSide();
        if (world is not null && uplinks.Count > 0)
            host.AddWorld(world);
        var namespaces = ImmutableSortedDictionary.CreateBuilder<Guid, NamespaceState>();
        var rules = ImmutableSortedDictionary.CreateBuilder<Guid, string>();
        foreach (var one in all)
        {
            var pair = pairs.GetValueOrDefault(one.Switch);
            if (pair is not null)
                host.AddUplink(one, pair, mtu);
            namespaces.Add(one.Switch, Inside(one, pair, mtu));
            rules.Add(one.Switch, RoutingRules.OfNamespace(one, pair));
        }
        var floating = uplinks.ToImmutableSortedDictionary(
            one => one.Switch, one => one.Floating.Select(address => address.Outside).Distinct().Order(StringComparer.Ordinal).ToImmutableArray());
        var isUsed = uplinks.Count > 0;
        var orders = new RoutingOrders(
            isUsed ? world : null,
            isUsed ? RoutingRules.OfHost(world!, uplinks.Select(one => pairs[one.Switch].Inside), floating.Values.SelectMany(addresses => addresses)) : null,
            rules.ToImmutable(),
            floating);
        return new RoutingLayout(host.State, namespaces.ToImmutable(), orders, ProblemsOf(all, world));
    }

    private static NamespaceState Inside(RoutedSwitch one, UplinkPair? pair, int mtu)
    {
        var state = new NamespaceState();
        if (!one.IsRouted)
            return state;
        state = state with
        {
            Sysctls = state.Sysctls.SetItem("net.ipv4.ip_forward", "1").SetItem("net.ipv6.conf.all.forwarding", "1")
                // It answers on no link for an address of another.
                .SetItem($"net.ipv4.conf.{ServedNetworks.Guests}.arp_ignore", "1"),
        };
        if (pair is null)
            return state;
        return state with
        {
            Links = state.Links.Add(World, new Link
            {
                Name = World,
                Kind = LinkKind.Veth,
                Alias = $"{Marks.Alias} world of switch {one.Switch}",
                IsUp = true,
                Mtu = mtu,
                Veth = new VethSettings(NetworkState.Host, LinkNames.Uplink(one.Switch)),
            }),
            Addresses = [new LinkAddress(World, $"{pair.Inside}/{UplinkPair.PrefixLength}")],
            Routes = [new Route("default", IsIpv6: false, pair.Host, World)],
            Sysctls = state.Sysctls.SetItem($"net.ipv6.conf.{World}.disable_ipv6", "1"),
        };
    }

    private static ImmutableSortedDictionary<Guid, ImmutableArray<string>> ProblemsOf(IEnumerable<RoutedSwitch> switches, PublicLink? world)
    {
        var problems = ImmutableSortedDictionary.CreateBuilder<Guid, ImmutableArray<string>>();
        foreach (var one in switches.Where(one => one.IsRouted))
        {
            var words = ImmutableArray.CreateBuilder<string>();
            if (one.HasIpv4 && world is null)
                words.Add("There is no way out of the switch here: the host has no network role public with an IPv4 address.");
            foreach (var network in one.Networks.Where(network => network is { Row.Routed: true, IsIpv6: true }))
                words.Add($"Network {network.Row.Range} is routed to networks of the switch only, as IPv6 is.");
            if (words.Count > 0)
                problems.Add(one.Switch, words.ToImmutable());
        }
        return problems.ToImmutable();
    }

    /// <summary>Gathers what the host's namespace needs.</summary>
    private sealed class HostSide
    {
        internal NamespaceState State { get; private set; } = new();

        internal void AddWorld(PublicLink world)
        {
            var network = new IPNetwork(Masked(IPAddress.Parse(world.Address), world.PrefixLength), world.PrefixLength);
            AddRoutes(new Route(network.ToString(), IsIpv6: false, null, world.Name, world.Address, Table));
            if (world.Gateway is { } gateway)
                AddRoutes(new Route("default", IsIpv6: false, gateway, world.Name, world.Address, Table));
            // The way back to whom a guest speaks with may be the management's, and then a strict filter would drop the answers.
            Set(world.Name, "rp_filter", "2");
            Set(world.Name, "forwarding", "1");
        }

        internal void AddUplink(RoutedSwitch one, UplinkPair pair, int mtu)
        {
            var name = LinkNames.Uplink(one.Switch);
            State = State with
            {
                Links = State.Links.Add(name, new Link
                {
                    Name = name,
                    Kind = LinkKind.Veth,
                    Alias = $"{Marks.Alias} uplink of switch {one.Switch}",
                    IsUp = true,
                    Mtu = mtu,
                    Veth = new VethSettings(LinkNames.Namespace(one.Switch), World),
                }),
                Addresses = State.Addresses.Add(new LinkAddress(name, $"{pair.Host}/{UplinkPair.PrefixLength}")),
                Rules = State.Rules.Add(new RoutingRule(IsIpv6: false, name, Table)),
            };
            // In the table too: guests of two switches reach each other's floating addresses, and the answers come back.
            AddRoutes(new Route($"{pair.Host}/{UplinkPair.PrefixLength}", IsIpv6: false, null, name, pair.Host, Table));
            foreach (var address in one.Floating.Select(address => address.Outside).Distinct())
            {
                var route = new Route($"{address}/32", IsIpv6: false, pair.Inside, name);
                AddRoutes(route, route with { Table = Table });
            }
            Set(name, "rp_filter", "2");
            Set(name, "forwarding", "1");
            Set(name, "arp_ignore", "1");
            State = State with { Sysctls = State.Sysctls.SetItem($"net.ipv6.conf.{name}.disable_ipv6", "1") };
        }

        private void AddRoutes(params ReadOnlySpan<Route> routes)
        {
            foreach (var route in routes)
                State = State with { Routes = State.Routes.Add(route) };
        }

        private void Set(string link, string name, string value) =>
            State = State with { Sysctls = State.Sysctls.SetItem($"net.ipv4.conf.{link}.{name}", value) };

        private static IPAddress Masked(IPAddress address, int prefixLength)
        {
            var bytes = address.GetAddressBytes();
            for (var i = 0; i < bytes.Length; i++)
                bytes[i] &= (byte)(0xff00 >> Math.Clamp(prefixLength - i * 8, 0, 8));
            return new IPAddress(bytes);
        }
    }
}
