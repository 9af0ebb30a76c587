using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What was ordered of the namespaces of switches: those that have a network to be served or routed. Pure.</summary>
public static class ServiceOrders
{
    /// <param name="mtus">By switch.</param>
    public static ImmutableArray<SwitchService> Served(SwitchOrders orders, IReadOnlyDictionary<Guid, int> mtus, Guid host) =>
    [
        .. from one in WithNamespace(orders)
           let networks = orders.Networks[one.Uuid].ToImmutableArray()
           select new SwitchService
           {
               Switch = one.Uuid,
               Host = host,
               Mtu = mtus[one.Uuid],
               Networks = networks,
               Routes = [.. networks.SelectMany(network => orders.Routes[network.Uuid])],
               Ports = [.. orders.Ports[one.Uuid]],
               Addresses = [.. Addresses(orders, one.Uuid, host)],
               NameServers = NameServers(orders, one.Uuid),
           },
    ];

    public static ImmutableArray<RoutedSwitch> Routed(SwitchOrders orders, Guid host)
    {
        var floating = orders.NetworksByUuid.Values.Where(network => network.Floating).Select(network => network.Uuid).ToList();
        return
        [
            .. WithNamespace(orders).Select(
                one => RoutedSwitch.Of(one.Uuid, orders.Networks[one.Uuid], Addresses(orders, one.Uuid, host), floating)),
        ];
    }

    /// <summary>The link by which routed networks leave: of several, that of the role whose uuid is the lowest; null where there is none.</summary>
    public static PublicLink? World(Underlay underlay) => underlay.Public
        .Where(role => role.Role.Prefix is not null && role.Address is { } text && IPAddress.Parse(text).AddressFamily == AddressFamily.InterNetwork)
        .Select(role => new PublicLink(role.Link, role.Address!, role.Role.Prefix!.Value, role.Role.Gateway))
        .FirstOrDefault();

    private static IEnumerable<SwitchDesired> WithNamespace(SwitchOrders orders) =>
        orders.Switches.Where(one => orders.Networks[one.Uuid].Any(network => network.Dhcp || network.Routed));

    /// <summary>Those of cards that are here: one whose instance comes from another host is there until it runs.</summary>
    private static IEnumerable<AddressDesired> Addresses(SwitchOrders orders, Guid @switch, Guid host)
    {
        var here = orders.Ports[@switch].Where(port => port.Host == host).Select(port => port.Vnic).ToHashSet();
        return orders.Vnics[@switch].Where(vnic => here.Contains(vnic.Uuid)).SelectMany(vnic => orders.Addresses[vnic.Uuid]);
    }

    private static ImmutableDictionary<Guid, TextList> NameServers(SwitchOrders orders, Guid @switch)
    {
        var own =
            from vnic in orders.Vnics[@switch]
            let instance = orders.Instances.GetValueOrDefault(vnic.Instance)
            where instance is { Ns.Count: > 0 }
            select KeyValuePair.Create(vnic.Uuid, instance.Ns);
        return own.ToImmutableDictionary();
    }
}
