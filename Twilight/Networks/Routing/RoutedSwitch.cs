using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>An address by which a card is reached from outside.</summary>
/// <param name="Outside">The floating address.</param>
/// <param name="Inside">The card's own, in a network of its switch.</param>
public sealed record FloatingAddress(string Outside, string Inside);

/// <summary>The link of the host's role public, with an IPv4 address.</summary>
public sealed record PublicLink(string Name, string Address, int PrefixLength, string? Gateway);

/// <summary>A switch that has a namespace on this host, and what is routed there.</summary>
public sealed record RoutedSwitch(Guid Switch, ImmutableArray<ServedNetwork> Networks, ImmutableArray<FloatingAddress> Floating)
{
    public bool IsRouted => Networks.Any(network => network.Row.Routed);

    /// <summary>Whether something of it can leave by the role public.</summary>
    public bool HasIpv4 => Networks.Any(network => network is { Row.Routed: true, IsIpv6: false });

    /// <param name="networks">Of the switch.</param>
    /// <param name="addresses">Of the cards on the switch that are on this host.</param>
    /// <param name="floating">The networks whose addresses are floating ones.</param>
    public static RoutedSwitch Of(
        Guid @switch, IEnumerable<NetworkDesired> networks, IEnumerable<AddressDesired> addresses, IEnumerable<Guid> floating)
    {
        var served = ServedNetworks.Of(networks).Networks;
        var routed = served.Where(network => network is { Row.Routed: true, IsIpv6: false }).ToList();
        var outer = floating.ToHashSet();
        var all = addresses.Where(address => address is { Ip: not null, Vnic: not null }).ToLookup(address => address.Vnic!.Value);
        var pairs =
            from card in all
            let inside = card
                .Where(address => routed.Any(network => network.Row.Uuid == address.Network))
                .OrderBy(address => address.Network).ThenBy(address => address.Uuid).FirstOrDefault()
            where inside is not null
            from address in card
            where outer.Contains(address.Network) && IPAddress.Parse(address.Ip!).AddressFamily == AddressFamily.InterNetwork
            orderby address.Uuid
            select new FloatingAddress(address.Ip!, inside.Ip!);
        return new RoutedSwitch(@switch, served, [.. pairs]);
    }
}
