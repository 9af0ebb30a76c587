using System.Net;

namespace PonyCloud.Twilight.Metadata.Documents;

/// <summary>The routes that a guest is to set up with an address that DHCP does not give. Pure.</summary>
internal static class StaticRoutes
{
    public static IEnumerable<(IPNetwork To, string Via)> Of(InstanceMetadata instance, CardAddress address)
    {
        // Several addresses in one network have the routes once.
        var first = instance.Addresses.First(one => one.Address.Network.Uuid == address.Network.Uuid && one.Address.IsIpv6 == address.IsIpv6).Address;
        if (first != address)
            return [];
        var routes = address.Routes.Select(route => (To: IPNetwork.Parse(route.Route), route.Via)).ToList();
        if (instance.WayOut(address.IsIpv6) == address && routes.All(route => route.To.PrefixLength > 0))
            routes.Add((IPNetwork.Parse(address.IsIpv6 ? "::/0" : "0.0.0.0/0"), address.Network.Gateway!));
        return routes;
    }
}
