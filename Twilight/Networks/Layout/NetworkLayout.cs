using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What the whole network of the host is to be, from rows and what is. Pure.</summary>
public sealed record NetworkLayout
{
    /// <summary>As the plan needs it.</summary>
    public required NetworkState Wanted { get; init; }

    /// <summary>The link that serves each thing that is ordered.</summary>
    public required IReadOnlyDictionary<NetworkSubject, string> Links { get; init; }

    /// <summary>What cannot be made, in words.</summary>
    public required IReadOnlyDictionary<NetworkSubject, string> Faults { get; init; }

    /// <summary>What works, but not as somebody might expect, in words.</summary>
    public required IReadOnlyDictionary<NetworkSubject, string> Notes { get; init; }

    /// <summary>By switch.</summary>
    public required IReadOnlyDictionary<Guid, int> Mtus { get; init; }

    /// <summary>What stays although nobody wants it.</summary>
    public required IReadOnlyList<HeldTap> Held { get; init; }

    /// <summary>What is answered on switches.</summary>
    public required IReadOnlyList<SwitchService> Services { get; init; }

    public required RoutingOrders Routing { get; init; }

    /// <param name="host">The uuid of this host.</param>
    public static NetworkLayout Of(HostOrders own, SwitchOrders switches, NetworkState actual, BootedNetwork booted, Guid host)
    {
        var here = actual[NetworkState.Host];
        var layout = HostLayout.Of(own, here, booted);
        var builder = new NetworkBuilder();
        builder.Add(layout.Wanted);
        foreach (var (subject, link) in layout.Links)
            builder.Links[subject] = link;
        foreach (var (subject, why) in layout.Faults)
            builder.Faults[subject] = why;
        var underlay = new Underlay(own, layout, here);
        foreach (var one in switches.Switches)
            SwitchLayout.Add(one, switches, underlay, host, builder);
        var routing = AddRouting(switches, underlay, host, builder);
        HeldTaps.Add(actual, switches, builder);
        return new NetworkLayout
        {
            Wanted = builder.Build(),
            Links = builder.Links,
            Faults = builder.Faults,
            Notes = builder.Notes,
            Mtus = builder.Mtus,
            Held = builder.Held,
            Services = [.. switches.Switches.Where(one => ServedNetworks.Of(switches.Networks[one.Uuid]).Networks.Length > 0)
                .Select(one => Service(one.Uuid, switches, builder.Mtus[one.Uuid], host))],
            Routing = routing,
        };
    }

    private static RoutingOrders AddRouting(SwitchOrders switches, Underlay underlay, Guid host, NetworkBuilder builder)
    {
        var floating = switches.NetworksByUuid.Values.Where(network => network.Floating).Select(network => network.Uuid).ToList();
        var routed = switches.Switches
            .Select(one => RoutedSwitch.Of(
                one.Uuid, switches.Networks[one.Uuid], AddressesHere(one.Uuid, switches, host), floating))
            .Where(one => one.Networks.Length > 0).ToList();
        var world = underlay.Public.FirstOrDefault(role => role.Address is { } address && !address.Contains(':', StringComparison.Ordinal));
        var layout = RoutingLayout.Of(
            routed,
            world is null ? null : new PublicLink(world.Link, world.Address!, world.Role.Prefix!.Value, world.Role.Gateway),
            world?.Mtu ?? Underlay.DefaultMtu);
        builder.Add(layout.Host);
        foreach (var (one, state) in layout.Namespaces)
            builder.Add(state, LinkNames.Namespace(one));
        foreach (var (one, problems) in layout.Problems)
            builder.Note(new NetworkSubject.Switch(one), string.Join(' ', problems));
        return layout.Orders;
    }

    /// <summary>Of the cards that are on this host: one whose instance is still coming is answered for where it is.</summary>
    private static IEnumerable<AddressDesired> AddressesHere(Guid one, SwitchOrders switches, Guid host)
    {
        var elsewhere = switches.Ports[one].Where(port => port.Host != host).Select(port => port.Vnic).ToHashSet();
        return switches.Vnics[one].Where(vnic => !elsewhere.Contains(vnic.Uuid)).SelectMany(vnic => switches.Addresses[vnic.Uuid]);
    }

    private static SwitchService Service(Guid one, SwitchOrders orders, int mtu, Guid host) => new()
    {
        Switch = one,
        Host = host,
        Mtu = mtu,
        Networks = [.. orders.Networks[one]],
        Routes = [.. orders.Networks[one].SelectMany(network => orders.Routes[network.Uuid])],
        Ports = [.. orders.Ports[one]],
        Addresses = [.. orders.Vnics[one].SelectMany(vnic => orders.Addresses[vnic.Uuid])],
        NameServers = orders.Vnics[one]
            .Where(vnic => orders.Instances.GetValueOrDefault(vnic.Instance)?.Ns.Count > 0)
            .ToImmutableDictionary(vnic => vnic.Uuid, vnic => orders.Instances[vnic.Instance].Ns),
    };
}

/// <summary>A tap that stays although nobody wants it.</summary>
/// <param name="IsUnplugged">Its card was taken from its instance; otherwise the instance was forgotten.</param>
public sealed record HeldTap(string Link, TapAlias Alias, bool IsUnplugged);

/// <summary>
/// Taps that somebody has open although nobody wants them any more. They stay until they are closed, and so does the switch that
/// they are on: of a card that the guest has not let go of yet, with nothing passing it; of a guest that the controller has
/// forgotten, as if nothing had happened.
/// </summary>
internal static class HeldTaps
{
    private static readonly BridgePortSettings CutOff = new(Learns: false, Floods: false, SuppressesNeighbours: false, IsIsolated: true);

    public static void Add(NetworkState actual, SwitchOrders orders, NetworkBuilder builder)
    {
        var here = actual[NetworkState.Host];
        foreach (var link in here.Links.Values.Where(link => link is { Kind: LinkKind.Tap, IsOurs: true, HasCarrier: true } && !builder.Has(link.Name)))
        {
            if (TapAlias.Parse(link.Alias) is not { } alias)
                continue;
            var isUnplugged = orders.Instances.ContainsKey(alias.Instance);
            builder.Add(AsIs(link) with { Port = isUnplugged ? CutOff : link.Port });
            builder.Held.Add(new HeldTap(link.Name, alias, isUnplugged));
            if (!isUnplugged)
                builder.Add(new NamespaceState { Forwardings = [.. here.Forwardings.Where(forwarding => forwarding.Link == link.Name)] });
            if (!builder.Has(LinkNames.Bridge(alias.Switch)))
                KeepSwitch(actual, alias.Switch, builder);
        }
    }

    private static void KeepSwitch(NetworkState actual, Guid @switch, NetworkBuilder builder)
    {
        var here = actual[NetworkState.Host];
        var names = new[] { LinkNames.Bridge(@switch), LinkNames.Vxlan(@switch), LinkNames.Service(@switch), LinkNames.Uplink(@switch) }
            .Where(here.Links.ContainsKey).ToImmutableHashSet(StringComparer.Ordinal);
        foreach (var name in names)
            builder.Add(AsIs(here.Links[name]));
        builder.Add(new NamespaceState
        {
            Addresses = [.. here.Addresses.Where(address => address.IsOurs && names.Contains(address.Link))],
            Routes = [.. here.Routes.Where(route => route.IsOurs && names.Contains(route.Link))],
            Rules = [.. here.Rules.Where(rule => names.Contains(rule.Incoming))],
            Neighbours = [.. here.Neighbours.Where(neighbour => names.Contains(neighbour.Link))],
            Forwardings = [.. here.Forwardings.Where(forwarding => names.Contains(forwarding.Link))],
        });
        if (actual.Namespaces.TryGetValue(LinkNames.Namespace(@switch), out var space))
        {
            builder.Add(
                space with { Links = space.Links.Where(link => link.Value.IsOurs).ToImmutableSortedDictionary(link => link.Key, link => AsIs(link.Value), StringComparer.Ordinal) },
                LinkNames.Namespace(@switch));
        }
    }

    // What is only seen is never wanted.
    public static Link AsIs(Link link) => link with { PermanentAddress = null, HasCarrier = null };
}
