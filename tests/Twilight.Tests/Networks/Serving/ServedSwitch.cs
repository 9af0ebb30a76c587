using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Tests.Networks.Serving;

/// <summary>A switch with an IPv4 and an IPv6 network, three guests on this host, and one on another.</summary>
internal static class ServedSwitch
{
    public static readonly Guid Here = Guid.Parse("0a000000-0000-4000-8000-000000000001");
    public static readonly Guid There = Guid.Parse("0a000000-0000-4000-8000-000000000002");
    public static readonly Guid Switch = Guid.Parse("51000000-0000-4000-8000-000000000001");

    public static NetworkDesired Network4 { get; } = new()
    {
        Uuid = Guid.Parse("4e000000-0000-4000-8000-000000000004"),
        Switch = Switch,
        Range = "10.0.0.0/24",
        Dhcp = true,
        Gateway = "10.0.0.254",
        ServiceAddress = "10.0.0.253",
        Ns = TextList.Of(["192.0.2.53", "2001:db8::53"]),
    };

    public static NetworkDesired Network6 { get; } = new()
    {
        Uuid = Guid.Parse("4e000000-0000-4000-8000-000000000006"),
        Switch = Switch,
        Range = "fd00:1::/64",
        Dhcp = true,
        ServiceAddress = "fd00:1::53",
    };

    public static RouteDesired Route { get; } = new()
    {
        Uuid = Guid.Parse("60000000-0000-4000-8000-000000000001"),
        Network = Network4.Uuid,
        Route = "10.9.0.0/16",
        Via = "10.0.0.9",
    };

    public static SwitchPortDesired Web { get; } = Port(1, Here, "Web", "10.0.0.1", "fd00:1::1");

    public static SwitchPortDesired Db { get; } = Port(2, Here, "db.prod", "10.0.0.2");

    public static SwitchPortDesired Numbered { get; } = Port(3, Here, "1234", "10.0.0.3");

    public static SwitchPortDesired Far { get; } = Port(4, There, "far", "10.0.0.4", "fd00:1::4");

    public static SwitchService Service { get; } = new()
    {
        Switch = Switch,
        Host = Here,
        Mtu = 1450,
        Networks = [Network4, Network6],
        Routes = [Route],
        Ports = [Web, Db, Numbered, Far],
        Addresses =
        [
            new()
            {
                Uuid = Guid.Parse("ad000000-0000-4000-8000-000000000001"),
                Network = Network4.Uuid,
                Vnic = Web.Vnic,
                Ip = "10.0.0.1",
                Ptr = "www.example.org.",
            },
            new()
            {
                Uuid = Guid.Parse("ad000000-0000-4000-8000-000000000002"),
                Network = Network6.Uuid,
                Vnic = Web.Vnic,
                Ip = "fd00:1::1",
                Ptr = "www6.example.org",
            },
        ],
        NameServers = new Dictionary<Guid, TextList> { [Db.Vnic] = TextList.Of(["198.51.100.53"]) }.ToImmutableDictionary(),
    };

    /// <summary>A card whose last byte of all is its number.</summary>
    public static SwitchPortDesired Port(int number, Guid host, string name, params string[] addresses) => new()
    {
        Vnic = Guid.Parse($"ca000000-0000-4000-8000-0000000000{number:x2}"),
        Switch = Switch,
        Host = host,
        Macaddr = $"02:aa:00:00:00:{number:x2}",
        Name = name,
        Addresses = TextList.Of(addresses),
    };
}
