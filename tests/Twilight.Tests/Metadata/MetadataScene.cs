using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Layout;

namespace PonyCloud.Twilight.Tests.Metadata;

/// <summary>Rows of a host: a switch with networks of all kinds, an instance with two cards and all there is, and others beside it.</summary>
internal static class MetadataScene
{
    public static readonly Guid Host = Guid.Parse("0a000000-0000-4000-8000-000000000001");
    public static readonly Guid Switch = Guid.Parse("51000000-0000-4000-8000-000000000001");
    public static readonly Guid Plain = Guid.Parse("51000000-0000-4000-8000-000000000002");
    public static readonly Guid Web = Guid.Parse("1a000000-0000-4000-8000-000000000001");
    public static readonly Guid Neighbour = Guid.Parse("1a000000-0000-4000-8000-000000000002");
    public static readonly Guid Lonely = Guid.Parse("1a000000-0000-4000-8000-000000000003");

    private static readonly Guid Tenant = Guid.Parse("7e000000-0000-4000-8000-000000000001");

    public static NetworkDesired Leased { get; } = Network(1, "10.0.0.0/24") with
    {
        Dhcp = true,
        Gateway = "10.0.0.254",
        ServiceAddress = "10.0.0.253",
        Ns = TextList.Of(["192.0.2.53", "2001:db8::53"]),
    };

    /// <summary>In a VLAN, without DHCP.</summary>
    public static NetworkDesired Tagged { get; } = Network(2, "10.7.0.0/16") with
    {
        VlanTag = 7,
        Gateway = "10.7.0.1",
        Ns = TextList.Of(["192.0.2.54"]),
    };

    public static NetworkDesired Ipv6 { get; } = Network(3, "fd00:1::/64") with
    {
        Dhcp = true,
        ServiceAddress = "fd00:1::53",
        Gateway = "fd00:1::1",
    };

    /// <summary>As <see cref="Leased"/>, in another VLAN; so it is not served.</summary>
    public static NetworkDesired Overlapping { get; } = Network(4, "10.0.0.0/24") with
    {
        VlanTag = 8,
        Dhcp = true,
        ServiceAddress = "10.0.0.253",
    };

    public static NetworkDesired Floating { get; } = Network(5, "203.0.113.0/24") with
    {
        Switch = Guid.Parse("51000000-0000-4000-8000-000000000009"),
        Floating = true,
    };

    public static InstanceDesired WebRow { get; } = Instance(Web, "Web") with
    {
        UserData = "#cloud-config\nruncmd: [\"echo hallo\"]\n",
        SshKeys = TextList.Of(["ssh-ed25519 AAAA first@example", "ssh-rsa BBBB \"zweite\" Schlüssel 🔑"]),
    };

    public static IReadOnlySet<Guid> WithDisk { get; } = new HashSet<Guid> { Web };

    public static VdiskDesired Disk(Guid instance) => new()
    {
        Uuid = Guid.Parse("d1000000-0000-4000-8000-000000000001"),
        Instance = instance,
    };

    public static SwitchOrders Orders { get; } = new()
    {
        Switches =
        [
            new()
            {
                Uuid = Switch,
                Name = "lan",
            },
            new()
            {
                Uuid = Plain,
                Name = "plain",
            },
        ],
        Networks = new[] { Leased, Tagged, Ipv6, Overlapping }.ToLookup(network => network.Switch),
        NetworksByUuid = new[] { Leased, Tagged, Ipv6, Overlapping, Floating }.ToDictionary(network => network.Uuid),
        Routes = new[] { Route(1, Leased, "10.9.0.0/16", "10.0.0.9"), Route(2, Tagged, "10.8.0.0/16", "10.7.0.9") }.ToLookup(route => route.Network),
        Vnics = new[] { Card(1, Web, Switch, 0), Card(2, Web, Switch, 1), Card(3, Neighbour, Switch, null), Card(4, Lonely, Plain, 0) }.ToLookup(card => card.Switch),
        Addresses = new[]
        {
            Address(1, 1, Leased, "10.0.0.2"),
            Address(2, 1, Leased, "10.0.0.1"),
            Address(3, 1, Ipv6, "fd00:1::a"),
            Address(4, 1, Floating, "203.0.113.100"),
            Address(5, 2, Tagged, "10.7.0.2"),
            Address(6, 3, Overlapping, "10.0.0.1"),
            Address(7, 3, Leased, "10.0.0.3"),
        }.ToLookup(address => address.Vnic!.Value),
        Ports = new[] { Port(1, "Web", "10.0.0.1", "10.0.0.2", "fd00:1::a"), Port(2, "Web", "10.7.0.2"), Port(3, "neighbour", "10.0.0.1", "10.0.0.3") }
            .ToLookup(port => port.Switch),
        Instances = new[] { WebRow, Instance(Neighbour, "neighbour"), Instance(Lonely, "lonely") }.ToDictionary(instance => instance.Uuid),
    };

    public static Guid CardUuid(int number) => Guid.Parse($"ca0000{number:x2}-0000-4000-8000-000000000000");

    public static VnicDesired Card(int number, Guid instance, Guid @switch, int? index) => new()
    {
        Uuid = CardUuid(number),
        Instance = instance,
        Switch = @switch,
        Macaddr = $"52:54:00:00:00:{number:x2}",
        Index = index,
    };

    public static AddressDesired Address(int number, int card, NetworkDesired network, string ip) => new()
    {
        Uuid = Guid.Parse($"ad000000-0000-4000-8000-0000000000{number:x2}"),
        Network = network.Uuid,
        Vnic = CardUuid(card),
        Ip = ip,
    };

    private static InstanceDesired Instance(Guid uuid, string name) => new()
    {
        Uuid = uuid,
        Tenant = Tenant,
        Name = name,
        Mem = 512,
    };

    private static NetworkDesired Network(int number, string range) => new()
    {
        Uuid = Guid.Parse($"4e000000-0000-4000-8000-0000000000{number:x2}"),
        Switch = Switch,
        Range = range,
    };

    private static RouteDesired Route(int number, NetworkDesired network, string route, string via) => new()
    {
        Uuid = Guid.Parse($"60000000-0000-4000-8000-0000000000{number:x2}"),
        Network = network.Uuid,
        Route = route,
        Via = via,
    };

    private static SwitchPortDesired Port(int number, string name, params string[] addresses) => new()
    {
        Vnic = CardUuid(number),
        Switch = Switch,
        Host = Host,
        Macaddr = $"52:54:00:00:00:{number:x2}",
        Name = name,
        Addresses = TextList.Of(addresses),
    };
}
