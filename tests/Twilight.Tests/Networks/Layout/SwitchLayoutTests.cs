using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;
using static PonyCloud.Twilight.Tests.Networks.Hosts;

namespace PonyCloud.Twilight.Tests.Networks.Layout;

public sealed class SwitchLayoutTests
{
    private const string MacHere = "06:00:00:00:00:01";
    private const string MacThere = "06:00:00:00:00:02";

    private static readonly Guid Switch = Guid.Parse("50000000-0000-0000-0000-000000000000");
    private static readonly Guid Instance = Guid.Parse("10000000-0000-0000-0000-000000000000");
    private static readonly Guid CardHere = Guid.Parse("c1000000-0000-0000-0000-000000000000");
    private static readonly Guid CardThere = Guid.Parse("c2000000-0000-0000-0000-000000000000");
    private static readonly Guid OtherHost = Guid.Parse("00000000-0000-0000-0000-0000000000a1");
    private static readonly string Bridge = LinkNames.Bridge(Switch);
    private static readonly string Tap = LinkNames.Tap(CardHere);
    private static readonly string Vxlan = LinkNames.Vxlan(Switch);

    private static readonly HostOrders OneCard = Orders(Bond(BondMode.Single), [Nic(CardA)], Role(NetRole.Virtual, "198.51.100.20"));

    [Test]
    public void A_VXLAN_switch_knows_who_is_where_and_asks_nobody()
    {
        var here = Laid(OneCard, Carried(SwitchType.Vxlan, 77)).Wanted[NetworkState.Host];

        Assert.That(here.Links[Vxlan].Vxlan, Is.EqualTo(new VxlanSettings(77, "198.51.100.20")));
        Assert.That(here.Links[Vxlan].Port, Is.EqualTo(new BridgePortSettings(Learns: false, Floods: false, SuppressesNeighbours: true)));
        Assert.That(new[] { Bridge, Vxlan, Tap }.Select(link => here.Links[link].Mtu), Is.All.EqualTo(1450));
        Assert.That(here.Links[Tap].Master, Is.EqualTo(Bridge));
        Assert.That(here.Forwardings, Is.EquivalentTo([
            new Forwarding(Vxlan, MacThere, "198.51.100.21"), new Forwarding(Vxlan, MacThere), new Forwarding(Tap, MacHere),
        ]));
        Assert.That(here.Neighbours, Is.EqualTo([new Neighbour(Bridge, "10.0.0.3", MacThere)]));
        Assert.That(here.Addresses.Where(address => address.Link != "eth0"), Is.Empty, "guests reach a host by no switch");
    }

    [TestCase("2001:db8::20", null, 1430)]
    [TestCase("198.51.100.20", 9000, 8950)]
    public void What_a_switch_carries_is_what_its_underlay_leaves(string address, int? mtu, int expected) =>
        Assert.That(
            Laid(Orders(Bond(BondMode.Single, mtu), [Nic(CardA)], Role(NetRole.Virtual, address)), Carried(SwitchType.Vxlan, 77)).Mtus[Switch],
            Is.EqualTo(expected));

    [Test]
    public void Without_an_underlay_the_guests_of_a_host_still_meet_and_the_row_says_why_nobody_else()
    {
        var layout = Laid(HostOrders.None, Carried(SwitchType.Vxlan, 77));
        Assert.That(layout.Wanted[NetworkState.Host].Links.Keys, Is.EquivalentTo([Bridge, Tap]));
        Assert.That(layout.Faults[new NetworkSubject.Switch(Switch)], Does.StartWith("The host has no network role virtual"));
    }

    [Test]
    public void A_bridge_stands_on_its_VLAN_of_the_bond_of_role_virtual()
    {
        var layout = Laid(OneCard, Carried(SwitchType.Bridge, 9));
        var vlan = LinkNames.Vlan(BondUuid, 9);
        Assert.That(layout.Wanted[NetworkState.Host].Links[vlan].Master, Is.EqualTo(Bridge));
        Assert.That(layout.Wanted[NetworkState.Host].Links[vlan].Vlan, Is.EqualTo(new VlanSettings("eth0", 9)));
        Assert.That(layout.Wanted[NetworkState.Host].Forwardings, Is.EqualTo([new Forwarding(Tap, MacHere)]));
        Assert.That(layout.Links[new NetworkSubject.Vlan(BondUuid, 9)], Is.EqualTo(vlan));
        Assert.That(layout.Mtus[Switch], Is.EqualTo(1500));
    }

    [Test]
    public void A_bridge_does_not_take_the_link_of_an_address_of_the_host()
    {
        var layout = Laid(OneCard, Carried(SwitchType.Bridge, null));
        Assert.That(layout.Faults[new NetworkSubject.Switch(Switch)], Does.Contain("an address of its own on this VLAN"));
        Assert.That(layout.Wanted[NetworkState.Host].Links["eth0"].Master, Is.Null);

        var untagged = Laid(Orders(Bond(BondMode.Single), [Nic(CardA)], Role(NetRole.Virtual)), Carried(SwitchType.Bridge, null));
        Assert.That(untagged.Wanted[NetworkState.Host].Links["eth0"].Master, Is.EqualTo(Bridge));
    }

    [Test]
    public void A_card_that_is_still_on_another_host_is_reached_there_though_its_tap_waits_here()
    {
        var orders = Carried(SwitchType.Vxlan, 77, hereIsOn: OtherHost);
        var here = Laid(OneCard, orders).Wanted[NetworkState.Host];
        Assert.That(here.Links, Does.ContainKey(Tap));
        Assert.That(here.Forwardings, Does.Not.Contain(new Forwarding(Tap, MacHere)));
        Assert.That(here.Forwardings, Does.Contain(new Forwarding(Vxlan, MacHere, "198.51.100.21")));
    }

    [Test]
    public void A_tap_that_a_guest_has_open_stays_with_its_switch_though_its_rows_are_gone()
    {
        var made = Laid(OneCard, Carried(SwitchType.Vxlan, 77)).Wanted;
        var here = made[NetworkState.Host];
        var open = made.With(NetworkState.Host, here with { Links = here.Links.SetItem(Tap, here.Links[Tap] with { HasCarrier = true }) });
        Assert.That(NetworkLayout.Of(OneCard, SwitchOrders.None, Actual(open), BootedNetwork.None, Host).Wanted, Is.EqualTo(made).Using(new SameNetwork()));
        Assert.That(NetworkLayout.Of(OneCard, SwitchOrders.None, Actual(made), BootedNetwork.None, Host).Wanted[NetworkState.Host].Links.Keys, Is.EqualTo(["eth0"]));
    }

    [Test]
    public void Nothing_passes_a_card_that_was_taken_away_while_the_guest_still_has_it()
    {
        var orders = Carried(SwitchType.Vxlan, 77);
        var made = Laid(OneCard, orders).Wanted;
        var here = made[NetworkState.Host];
        var open = made.With(NetworkState.Host, here with { Links = here.Links.SetItem(Tap, here.Links[Tap] with { HasCarrier = true }) });
        var taken = orders with
        {
            Vnics = Array.Empty<VnicDesired>().ToLookup(vnic => vnic.Switch),
            Instances = new Dictionary<Guid, InstanceDesired> { [Instance] = new() { Uuid = Instance, Name = "guest", Mem = 64 } },
        };
        var layout = NetworkLayout.Of(OneCard, taken, Actual(open), BootedNetwork.None, Host);
        Assert.That(layout.Held.Single(), Is.EqualTo(new HeldTap(Tap, new TapAlias(CardHere, Switch, Instance), IsUnplugged: true)));
        Assert.That(layout.Wanted[NetworkState.Host].Links[Tap].Port, Is.EqualTo(new BridgePortSettings(false, false, false, IsIsolated: true)));
        Assert.That(layout.Wanted[NetworkState.Host].Forwardings.Select(one => one.Link), Does.Not.Contain(Tap));
    }

    private static NetworkLayout Laid(HostOrders own, SwitchOrders switches) =>
        NetworkLayout.Of(own, switches, Network(Booted), BootedNetwork.None, Host);

    // What the layout made, on top of the cards.
    private static NetworkState Actual(NetworkState made)
    {
        var here = made[NetworkState.Host];
        return made.With(NetworkState.Host, here with { Links = here.Links.SetItems(Booted.Links) });
    }

    private static SwitchOrders Carried(SwitchType type, int? tag, Guid? hereIsOn = null) => new()
    {
        Switches = [new SwitchDesired { Uuid = Switch, Name = "lan", Type = type, Tag = tag }],
        Vnics = new[] { new VnicDesired { Uuid = CardHere, Instance = Instance, Switch = Switch, Macaddr = MacHere } }.ToLookup(vnic => vnic.Switch),
        Ports = new[]
        {
            Port(CardHere, hereIsOn ?? Host, MacHere, "10.0.0.2", hereIsOn is null ? "198.51.100.20" : "198.51.100.21"),
            Port(CardThere, OtherHost, MacThere, "10.0.0.3", "198.51.100.21"),
        }.ToLookup(port => port.Switch),
    };

    private static SwitchPortDesired Port(Guid vnic, Guid host, string mac, string address, string endpoint) => new()
    {
        Vnic = vnic,
        Switch = Switch,
        Host = host,
        Endpoint = endpoint,
        Macaddr = mac,
        Addresses = TextList.Of([address]),
        Name = "guest",
    };

    /// <summary>Sets compare by what is in them.</summary>
    private sealed class SameNetwork : IEqualityComparer<NetworkState>
    {
        public bool Equals(NetworkState? one, NetworkState? other) => Text(one!) == Text(other!);

        public int GetHashCode(NetworkState state) => 0;

        private static string Text(NetworkState state) => string.Join('\n', state.Namespaces.Select(space =>
            $"{space.Key}: {string.Join(' ', space.Value.Links.Values)} {string.Join(' ', space.Value.Addresses.Select(one => one.ToString()).Order(StringComparer.Ordinal))}"
            + $" {string.Join(' ', space.Value.Forwardings.Select(one => one.ToString()).Order(StringComparer.Ordinal))}"
            + $" {string.Join(' ', space.Value.Neighbours.Select(one => one.ToString()).Order(StringComparer.Ordinal))}"));
    }
}
