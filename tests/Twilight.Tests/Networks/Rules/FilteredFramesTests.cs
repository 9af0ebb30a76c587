using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>Real frames across a bridge with the filter: what a guest may send, and what it may not.</summary>
[CancelAfter(120_000)]
public sealed class FilteredFramesTests
{
    private const string First = "pct1";
    private const string Second = "pct2";
    private const string Service = "pcs1-g";
    private const string Outside = "pcs1-x";

    private const string Address = "10.0.0.1";
    private const string Address6 = "2001:db8::1";
    private const string LinkLocal = "fe80::5054:ff:fe00:1";
    private const string All6 = "33:33:00:00:00:01";
    private const string ServiceHardware = "02:00:00:00:00:01";
    private const string OutsideHardware = "02:00:00:00:00:02";

    private static readonly string Own = FilterHost.HardwareAddress(1);
    private static readonly string Other = FilterHost.HardwareAddress(2);

    private static readonly byte[] Control = new byte[50];

    private FilterLab _lab = null!;

    private static FilterInput Host => new()
    {
        Switches = [FilterHost.Switch(FilterLab.Bridge, tags: [5])],
        Cards =
        [
            FilterHost.Card(1, FilterLab.Bridge) with { Addresses = [new(Address), new(Address6), new("10.5.0.1", 5), new("2001:db8:5::1", 5)] },
            FilterHost.Card(2, FilterLab.Bridge),
        ],
        TracksConnections = false,
    };

    private static FilterInput Plain => Host with
    {
        Switches = [FilterHost.Switch(FilterLab.Bridge, hasNetworks: false)],
        Cards = [.. Host.Cards.Select(card => card with { Addresses = [] })],
    };

    private static IEnumerable<TestCaseData> Honest =>
    [
        new TestCaseData(Frame.UdpOf(Frame.Broadcast, Own, Address, "10.0.0.2", 5000, 5001)).SetArgDisplayNames("IPv4"),
        new TestCaseData(Frame.UdpOf(All6, Own, Address6, "2001:db8::2", 5000, 5001)).SetArgDisplayNames("IPv6"),
        new TestCaseData(Frame.UdpOf(All6, Own, LinkLocal, "ff02::1", 5000, 5001)).SetArgDisplayNames("link-local IPv6"),
        new TestCaseData(Frame.ArpOf(Own, Own, Address)).SetArgDisplayNames("ARP request"),
        new TestCaseData(Frame.ArpOf(Own, Own, Address, isRequest: false)).SetArgDisplayNames("ARP answer"),
        new TestCaseData(Frame.ArpOf(Own, Own, "0.0.0.0")).SetArgDisplayNames("ARP probe"),
        new TestCaseData(Frame.RarpOf(Own)).SetArgDisplayNames("RARP"),
        new TestCaseData(Frame.Icmp6Of(Own, LinkLocal, 136, Address6)).SetArgDisplayNames("neighbour advertisement"),
        new TestCaseData(Frame.Icmp6Of(Own, Address6, 136, LinkLocal)).SetArgDisplayNames("neighbour advertisement of the link-local address"),
        new TestCaseData(Frame.Icmp6Of(Own, Address6, 135, "2001:db8::2")).SetArgDisplayNames("neighbour solicitation"),
        new TestCaseData(Frame.Icmp6Of(Own, "::", 135, Address6)).SetArgDisplayNames("DAD"),
        new TestCaseData(Frame.Icmp6Of(Own, "::", 133)).SetArgDisplayNames("router solicitation without an address"),
        new TestCaseData(Frame.Icmp6Of(Own, Address6, 128)).SetArgDisplayNames("ping"),
        new TestCaseData(Frame.FragmentedIcmp6Of(Own, Address6, 128)).SetArgDisplayNames("ping in a fragment"),
        new TestCaseData(Frame.Tagged(Frame.UdpOf(Frame.Broadcast, Own, "10.5.0.1", "10.5.0.2", 5000, 5001), 5)).SetArgDisplayNames("tagged IPv4"),
        new TestCaseData(Frame.Tagged(Frame.UdpOf(All6, Own, "2001:db8:5::1", "2001:db8:5::2", 5000, 5001), 5)).SetArgDisplayNames("tagged IPv6"),
        new TestCaseData(Frame.Tagged(Frame.ArpOf(Own, Own, "10.5.0.1"), 5)).SetArgDisplayNames("tagged ARP"),
        new TestCaseData(Frame.Tagged(Frame.Icmp6Of(Own, LinkLocal, 136, "2001:db8:5::1"), 5)).SetArgDisplayNames("tagged neighbour advertisement"),
    ];

    private static IEnumerable<TestCaseData> Forged =>
    [
        new TestCaseData(Frame.UdpOf(Frame.Broadcast, Other, Address, "10.0.0.2", 5000, 5001)).SetArgDisplayNames("another's hardware address"),
        new TestCaseData(Frame.UdpOf(Frame.Broadcast, Own, "10.0.0.2", "10.0.0.3", 5000, 5001)).SetArgDisplayNames("another's IPv4 address"),
        new TestCaseData(Frame.UdpOf(Frame.Broadcast, Own, "10.5.0.1", "10.0.0.3", 5000, 5001)).SetArgDisplayNames("an address of a VLAN without its tag"),
        new TestCaseData(Frame.UdpOf(All6, Own, "2001:db8::2", "2001:db8::3", 5000, 5001)).SetArgDisplayNames("another's IPv6 address"),
        new TestCaseData(Frame.UdpOf(All6, Own, "fe80::1", "ff02::1", 5000, 5001)).SetArgDisplayNames("another's link-local address"),
        new TestCaseData(Frame.UdpOf(Frame.Broadcast, Own, "0.0.0.0", "255.255.255.255", 68, 69)).SetArgDisplayNames("no address, and not DHCP"),
        new TestCaseData(Frame.ArpOf(Own, Other, Address)).SetArgDisplayNames("ARP with another's hardware address"),
        new TestCaseData(Frame.ArpOf(Own, Own, "10.0.0.254")).SetArgDisplayNames("ARP with another's IPv4 address"),
        new TestCaseData(Frame.ArpOf(Own, Own, "0.0.0.0", isRequest: false)).SetArgDisplayNames("ARP answer without an address"),
        new TestCaseData(Frame.Icmp6Of(Own, LinkLocal, 136, "2001:db8::2")).SetArgDisplayNames("neighbour advertisement of another's address"),
        new TestCaseData(Frame.Icmp6Of(Own, "::", 135, "2001:db8::2")).SetArgDisplayNames("DAD of another's address"),
        new TestCaseData(Frame.Icmp6Of(Own, LinkLocal, 134)).SetArgDisplayNames("router advertisement"),
        new TestCaseData(Frame.Icmp6Of(Own, LinkLocal, 137)).SetArgDisplayNames("redirect"),
        new TestCaseData(Frame.FragmentedIcmp6Of(Own, LinkLocal, 134)).SetArgDisplayNames("router advertisement in a fragment"),
        new TestCaseData(Frame.HiddenIcmp6Of(Own, LinkLocal, 134, isComplete: true)).SetArgDisplayNames("router advertisement behind options in a fragment"),
        new TestCaseData(Frame.HiddenIcmp6Of(Own, LinkLocal, 134, isComplete: false)).SetArgDisplayNames("fragment that ends before its message, and then padding"),
        new TestCaseData(Frame.UdpOf(Frame.Broadcast, Own, Address, "255.255.255.255", 67, 68)).SetArgDisplayNames("DHCP answer"),
        new TestCaseData(Frame.UdpOf(All6, Own, LinkLocal, "fe80::2", 547, 546)).SetArgDisplayNames("DHCPv6 answer"),
        new TestCaseData(Frame.Of("01:80:c2:00:00:00", Own, 0x0027, Control)).SetArgDisplayNames("BPDU"),
        new TestCaseData(Frame.Of("01:80:c2:00:00:21", Own, 0x0027, Control)).SetArgDisplayNames("GVRP"),
        new TestCaseData(Frame.Of("01:00:0c:cc:cc:cd", Own, 0x0027, Control)).SetArgDisplayNames("BPDU of another making"),
        new TestCaseData(Frame.Of(Frame.Broadcast, Own, 0x88b5, Control)).SetArgDisplayNames("another protocol"),
        new TestCaseData(Frame.Tagged(Frame.UdpOf(Frame.Broadcast, Own, Address, "10.0.0.2", 5000, 5001), 6)).SetArgDisplayNames("a tag of no network"),
        new TestCaseData(Frame.Tagged(Frame.UdpOf(Frame.Broadcast, Own, Address, "10.0.0.2", 5000, 5001), 5)).SetArgDisplayNames("an address of another VLAN"),
        new TestCaseData(Frame.Tagged(Frame.UdpOf(Frame.Broadcast, Own, Address, "10.0.0.2", 5000, 5001), 5, 0x88a8)).SetArgDisplayNames("a provider's tag"),
        new TestCaseData(Frame.Tagged(Frame.Tagged(Frame.UdpOf(Frame.Broadcast, Own, Address, "10.0.0.2", 5000, 5001), 6), 5)).SetArgDisplayNames("two tags"),
        new TestCaseData(Frame.Tagged(Frame.ArpOf(Own, Own, Address), 5)).SetArgDisplayNames("tagged ARP with an address of another VLAN"),
        new TestCaseData(Frame.Tagged(Frame.Icmp6Of(Own, LinkLocal, 134), 5)).SetArgDisplayNames("tagged router advertisement"),
        new TestCaseData(Frame.Tagged(Frame.UdpOf(Frame.Broadcast, Own, "10.5.0.1", "255.255.255.255", 67, 68), 5)).SetArgDisplayNames("tagged DHCP answer"),
    ];

    [OneTimeSetUp]
    public async Task StartAsync() => _lab = await FilterLab.StartAsync(First, Second, Service, Outside);

    [OneTimeTearDown]
    public async Task StopAsync() => await _lab.DisposeAsync();

    [TestCaseSource(nameof(Honest))]
    public async Task What_is_the_cards_own_passes(byte[] frame, CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        var before = await _lab.CountAsync(First, cancellationToken);
        Assert.That(await _lab.PassesAsync(First, Second, frame, Own, cancellationToken), Is.True);
        Assert.That(await _lab.CountAsync(First, cancellationToken), Is.EqualTo(before));
    }

    [TestCaseSource(nameof(Forged))]
    public async Task What_is_not_is_dropped_and_counted(byte[] frame, CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        var before = await _lab.CountAsync(First, cancellationToken);
        Assert.That(await _lab.PassesAsync(First, Second, frame, Own, cancellationToken), Is.False);
        Assert.That(await _lab.CountAsync(First, cancellationToken), Is.EqualTo(before with { Spoofed = before.Spoofed + 1 }));
    }

    [TestCaseSource(nameof(Forged))]
    public async Task Without_the_filter_it_would_have_passed(byte[] frame, CancellationToken cancellationToken)
    {
        await _lab.Namespace.RunAsync("nft", "flush", "ruleset");
        Assert.That(await _lab.PassesAsync(First, Second, frame, Own, cancellationToken), Is.True);
    }

    [Test]
    public async Task On_a_plain_switch_guests_address_and_serve_themselves(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Plain, cancellationToken);
        byte[][] frames =
        [
            Frame.UdpOf(Frame.Broadcast, Own, "192.0.2.77", "192.0.2.78", 5000, 5001),
            Frame.UdpOf(Frame.Broadcast, Own, "192.0.2.77", "255.255.255.255", 67, 68),
            Frame.Icmp6Of(Own, LinkLocal, 134),
            Frame.Of(Frame.Broadcast, Own, 0x88b5, Control),
        ];
        foreach (var frame in frames)
            Assert.That(await _lab.PassesAsync(First, Second, frame, Own, cancellationToken), Is.True);
    }

    [Test]
    public async Task On_a_plain_switch_a_card_has_its_own_hardware_address_and_no_tags(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Plain, cancellationToken);
        var frame = Frame.UdpOf(Frame.Broadcast, Own, "192.0.2.77", "192.0.2.78", 5000, 5001);
        byte[][] frames =
        [
            Frame.UdpOf(Frame.Broadcast, Other, "192.0.2.77", "192.0.2.78", 5000, 5001),
            Frame.Tagged(frame, 5),
            Frame.Of("01:80:c2:00:00:00", Own, 0x0027, Control),
        ];
        foreach (var forged in frames)
            Assert.That(await _lab.PassesAsync(First, Second, forged, Own, cancellationToken), Is.False);
    }

    [Test]
    public async Task A_card_without_addresses_on_a_switch_with_networks_has_DHCP_and_its_link_local_address(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host with { Cards = [Host.Cards[0] with { Addresses = [] }, Host.Cards[1]] }, cancellationToken);
        Assert.That(await _lab.PassesAsync(First, Second, Frame.UdpOf(Frame.Broadcast, Own, Address, "10.0.0.2", 1, 2), Own, cancellationToken), Is.False);
        Assert.That(await _lab.PassesAsync(First, Second, Frame.UdpOf(All6, Own, LinkLocal, "ff02::1", 1, 2), Own, cancellationToken), Is.True);
        Assert.That(await _lab.PassesAsync(First, Service, Request(4), Own, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_card_that_is_unplugged_neither_sends_nor_receives(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host with { Cards = [Host.Cards[0] with { IsUp = false }, Host.Cards[1]] }, cancellationToken);
        var frame = Frame.UdpOf(Frame.Broadcast, Other, "10.0.0.2", Address, 5000, 5001);
        Assert.That(await _lab.PassesAsync(Second, First, frame, Other, cancellationToken, witness: Service), Is.False);
        var before = await _lab.ReceivedAsync(Outside);
        await _lab.SendAsync(First, Frame.UdpOf(Frame.Broadcast, Own, Address, "10.0.0.2", 5000, 5001), cancellationToken);
        // What follows does not go out, and shows that the bridge is done with what was sent before.
        Assert.That(await _lab.PassesAsync(Service, Second, frame, ServiceHardware, cancellationToken), Is.True);
        Assert.That(await _lab.ReceivedAsync(Outside), Is.EqualTo(before));
    }

    [TestCase(4)]
    [TestCase(6)]
    public async Task DHCP_requests_go_to_the_service_port_alone(int version, CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        foreach (var (to, expected) in new[] { (Service, true), (Second, false), (Outside, false) })
            Assert.That(await _lab.PassesAsync(First, to, Request(version), Own, cancellationToken), Is.EqualTo(expected), to);
    }

    [TestCase(4)]
    [TestCase(6)]
    public async Task Where_nothing_serves_DHCP_is_traffic_like_other_traffic(int version, CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Plain, cancellationToken);
        Assert.That(await _lab.PassesAsync(First, Outside, Request(version), Own, cancellationToken), Is.True);
    }

    [Test]
    public async Task What_comes_from_outside_reaches_guests_and_not_the_service(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        var request = Frame.ArpOf(OutsideHardware, OutsideHardware, "10.0.0.254");
        Assert.That(await _lab.PassesAsync(Outside, First, request, OutsideHardware, cancellationToken), Is.True);
        Assert.That(await _lab.PassesAsync(Outside, Service, request, OutsideHardware, cancellationToken, witness: First), Is.False);
    }

    [TestCase(5, true)]
    [TestCase(6, false)]
    public async Task From_outside_come_the_tags_of_the_networks_alone(int tag, bool expected, CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        var frame = Frame.Tagged(Frame.UdpOf(Frame.Broadcast, OutsideHardware, "10.5.0.9", "10.5.0.1", 5000, 5001), tag);
        Assert.That(await _lab.PassesAsync(Outside, First, frame, OutsideHardware, cancellationToken), Is.EqualTo(expected));
    }

    [Test]
    public async Task The_service_answers_guests_and_says_nothing_to_the_outside(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        var answer = Frame.UdpOf(Frame.Broadcast, ServiceHardware, "10.0.0.254", "255.255.255.255", 67, 68);
        Assert.That(await _lab.PassesAsync(Service, First, answer, ServiceHardware, cancellationToken), Is.True);
        foreach (var frame in new[] { answer, Frame.Icmp6Of(ServiceHardware, "fe80::ff", 134) })
            Assert.That(await _lab.PassesAsync(Service, Outside, frame, ServiceHardware, cancellationToken, witness: First), Is.False);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task What_the_service_routes_to_other_hosts_goes_there_by_VXLAN_alone(bool isVxlan, CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host with { Switches = [FilterHost.Switch(FilterLab.Bridge, isVxlan: isVxlan)] }, cancellationToken);
        var routed = Frame.UdpOf(OutsideHardware, ServiceHardware, "192.0.2.1", "10.0.0.9", 5000, 5001);
        // Since the bridge does not know where it is, it goes to all.
        Assert.That(await _lab.PassesAsync(Service, Outside, routed, ServiceHardware, cancellationToken, witness: First), Is.EqualTo(isVxlan));
    }

    [Test]
    public async Task Nothing_of_a_port_reaches_the_host(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        var frame = Frame.UdpOf(Frame.Broadcast, Own, Address, "10.0.0.2", 5000, 5001);
        Assert.That(await _lab.PassesAsync(First, FilterLab.Bridge, frame, Own, cancellationToken, witness: Second), Is.False);
        await _lab.Namespace.RunAsync("nft", "flush", "ruleset");
        Assert.That(await _lab.PassesAsync(First, FilterLab.Bridge, frame, Own, cancellationToken, witness: Second), Is.True);
    }

    private static byte[] Request(int version) => version == 4
        ? Frame.UdpOf(Frame.Broadcast, Own, "0.0.0.0", "255.255.255.255", 68, 67)
        : Frame.UdpOf("33:33:00:01:00:02", Own, LinkLocal, "ff02::1:2", 546, 547);
}
