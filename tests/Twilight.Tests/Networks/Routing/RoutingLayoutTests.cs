using System.Net;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;

namespace PonyCloud.Twilight.Tests.Networks.Routing;

/// <summary>
/// What is laid out, compared with the files in Golden. To accept a change on purpose, run the tests with
/// PONYCLOUD_UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public sealed class RoutingLayoutTests
{
    private static readonly Guid Switch = Guid.Parse("51000000-0000-4000-8000-0000000000a1");
    private static readonly Guid Other = Guid.Parse("52000000-0000-4000-8000-0000000000b2");
    private static readonly Guid Outer = Guid.Parse("4e000000-0000-4000-8000-0000000000ff");
    private static readonly PublicLink World = new("pcb000000000001", "203.0.113.10", 24, "203.0.113.1");

    private static readonly NetworkDesired Inner4 = new()
    {
        Uuid = Guid.Parse("4e000000-0000-4000-8000-000000000004"),
        Switch = Switch,
        Range = "10.0.0.0/24",
        Gateway = "10.0.0.254",
        Routed = true,
    };

    private static readonly NetworkDesired Inner6 = Inner4 with
    {
        Uuid = Guid.Parse("4e000000-0000-4000-8000-000000000006"),
        Range = "fd00:1::/64",
        Gateway = "fd00:1::ff",
    };

    private static readonly NetworkDesired Served = Inner4 with
    {
        Uuid = Guid.Parse("4e000000-0000-4000-8000-000000000007"),
        Switch = Other,
        Routed = false,
        Dhcp = true,
        ServiceAddress = "10.0.0.253",
    };

    private static readonly AddressDesired[] Addresses =
    [
        Address(1, Inner4.Uuid, 1, "10.0.0.1"), Address(2, Inner6.Uuid, 1, "fd00:1::1"), Address(3, Outer, 1, "203.0.113.100"),
        Address(4, Outer, 1, "203.0.113.101"), Address(5, Outer, 1, "2001:db8::100"), Address(6, Outer, 2, "203.0.113.102"),
        Address(7, Inner4.Uuid, 3, "10.0.0.3"),
    ];

    private static RoutedSwitch Routed => RoutedSwitch.Of(Switch, [Inner4, Inner6], Addresses, [Outer]);

    [Test]
    public void Floating_addresses_lead_to_the_first_address_of_their_card() => Assert.That(
        Routed.Floating, Is.EqualTo([new FloatingAddress("203.0.113.100", "10.0.0.1"), new FloatingAddress("203.0.113.101", "10.0.0.1")]),
        "and those of cards without one, and of IPv6, nowhere");

    [Test]
    public void A_host_with_role_public() => CompareWithGolden("public.txt", RoutingLayout.Of([Routed, RoutedSwitch.Of(Other, [Served], [], [])], World));

    [Test]
    public void A_host_without_role_public() => CompareWithGolden("inside.txt", RoutingLayout.Of([Routed], null));

    [Test]
    public void A_switch_that_is_only_served_needs_nothing_of_the_host()
    {
        var layout = RoutingLayout.Of([RoutedSwitch.Of(Other, [Served], [], [])], World);

        Assert.That((layout.Host.Links.Count, layout.Host.Sysctls.Count, layout.Orders.HostRules, layout.Orders.World), Is.EqualTo((0, 0, (string?)null, (PublicLink?)null)));
        Assert.That((layout.Namespaces[Other].Links.Count, layout.Namespaces[Other].Sysctls.Count, layout.Problems.Count), Is.EqualTo((0, 0, 0)));
        Assert.That(layout.Orders.NamespaceRules[Other], Does.Contain("policy drop"));
    }

    [Test]
    public void Pairs_are_link_local_all_different_and_nobodys_whom_guests_expect_elsewhere() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(50),
        Prop.ForAll(ArbMap.Default.ArbFor<Guid[]>(), switches =>
        {
            var pairs = UplinkPairs.Of(switches);
            var all = pairs.Values.SelectMany(pair => new[] { pair.Host, pair.Inside }).ToList();
            var range = IPNetwork.Parse("169.254.0.0/16");
            return all.Distinct().Count() == all.Count
                && all.TrueForAll(address => range.Contains(IPAddress.Parse(address)))
                && !all.Contains("169.254.169.254")
                && pairs.Values.All(pair => Network(pair.Host) == Network(pair.Inside));
        }));

    [Test]
    public void Two_switches_that_would_have_the_same_pair_have_two_and_others_are_not_moved()
    {
        var slots = new Dictionary<int, Guid>();
        var number = 0;
        Guid first, second;
        do
        {
            second = new Guid(number++, 0, 0, new byte[8]);
        }
        while (slots.TryAdd(UplinkPairs.Slot(second), second));
        first = slots[UplinkPairs.Slot(second)];
        var alone = UplinkPairs.Of([first])[first];
        var both = UplinkPairs.Of([second, first, Switch]);

        Assert.That(both[first], Is.EqualTo(alone));
        Assert.That(both[second], Is.Not.EqualTo(alone));
        Assert.That(both[Switch], Is.EqualTo(UplinkPairs.Of([Switch])[Switch]));
    }

    private static int Network(string address) => IPAddress.Parse(address).GetAddressBytes() is var bytes ? (bytes[2] << 8 | bytes[3]) >> 1 : 0;

    private static AddressDesired Address(int number, Guid network, int vnic, string ip) => new()
    {
        Uuid = Guid.Parse($"ad000000-0000-4000-8000-0000000000{number:x2}"),
        Network = network,
        Vnic = Guid.Parse($"ca000000-0000-4000-8000-0000000000{vnic:x2}"),
        Ip = ip,
    };

    private static void CompareWithGolden(string name, RoutingLayout layout)
    {
        var lines = Show("host", layout.Host)
            .Concat(layout.Namespaces.SelectMany(pair => Show(LinkNames.Namespace(pair.Key), pair.Value)))
            .Concat(layout.Problems.SelectMany(pair => pair.Value.Select(problem => $"problem {pair.Key}: {problem}")))
            .Append($"floating on {layout.Orders.World?.Name}: {string.Join(' ', layout.Orders.Floating.SelectMany(pair => pair.Value))}")
            .Concat(layout.Orders.HostRules is { } rules ? ["== host", rules.TrimEnd()] : Array.Empty<string>())
            .Concat(layout.Orders.NamespaceRules.SelectMany(pair => new[] { $"== {LinkNames.Namespace(pair.Key)}", pair.Value.TrimEnd() }));
        var all = string.Join('\n', lines) + "\n";
        var path = Repository.At("tests", "Twilight.Tests", "Networks", "Routing", "Golden", name);
        if (Environment.GetEnvironmentVariable("PONYCLOUD_UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, all);
        Assert.That(all, Is.EqualTo(File.ReadAllText(path)));
    }

    private static IEnumerable<string> Show(string space, NamespaceState state) =>
        state.Links.Values.Select(link => $"{space} link {link.Name} to {link.Veth!.Peer} of \"{link.Veth.PeerNamespace}\" mtu {link.Mtu}")
            .Concat(state.Addresses.Select(address => $"{space} address {address.Address} dev {address.Link}").Order(StringComparer.Ordinal))
            .Concat(state.Routes.Select(route => $"{space} route {route.Destination} via {route.Via} dev {route.Link} src {route.Source} table {route.Table}").Order(StringComparer.Ordinal))
            .Concat(state.Rules.Select(rule => $"{space} rule iif {rule.Incoming} table {rule.Table}").Order(StringComparer.Ordinal))
            .Concat(state.Sysctls.Select(pair => $"{space} sysctl {pair.Key}={pair.Value}"));
}
