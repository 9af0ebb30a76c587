using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;
using static PonyCloud.Twilight.Tests.Networks.Hosts;

namespace PonyCloud.Twilight.Tests.Networks.Layout;

public sealed class HostLayoutTests
{
    [Test]
    public void Cards_become_ports_of_their_bond_and_roles_stand_on_it()
    {
        var layout = HostLayout.Of(
            Orders(Bond(BondMode.Lacp, mtu: 9000), [Nic(CardA), Nic(CardB)],
                Role(NetRole.Management, "192.0.2.20", gateway: "192.0.2.1"), Role(NetRole.Virtual, "198.51.100.20", tag: 7, number: 2)),
            Booted,
            BootedNetwork.None);

        var vlan = LinkNames.Vlan(BondUuid, 7);
        Assert.That(layout.Wanted.Links.Keys, Is.EquivalentTo([BondLink, vlan, "eth0", "eth1"]));
        Assert.That(layout.Wanted.Links["eth0"].Master, Is.EqualTo(BondLink));
        Assert.That(layout.Wanted.Links[BondLink].Bond!.Mode, Is.EqualTo(BondMode.Lacp));
        Assert.That(layout.Wanted.Links[BondLink].HardwareAddress, Is.EqualTo(CardA));
        Assert.That(layout.Wanted.Links.Values.Select(link => link.Mtu), Is.All.EqualTo(9000));
        Assert.That(layout.Wanted.Links[vlan].Vlan, Is.EqualTo(new VlanSettings(BondLink, 7)));
        Assert.That(layout.Wanted.Addresses, Is.EquivalentTo([new LinkAddress(BondLink, "192.0.2.20/24"), new LinkAddress(vlan, "198.51.100.20/24")]));
        Assert.That(layout.Wanted.Routes.Single(), Is.EqualTo(new Route("default", false, "192.0.2.1", BondLink, Metric: 98)));
        Assert.That(layout.Faults, Is.Empty);
    }

    [Test]
    public void A_card_alone_stays_as_it_is_and_what_somebody_else_put_on_it_is_nobody_s_business()
    {
        var layout = HostLayout.Of(Orders(Bond(BondMode.Single), [Nic(CardA)], Role(NetRole.Virtual, "198.51.100.20")), Booted, BootedNetwork.None);

        Assert.That(layout.Wanted.Links.Keys, Is.EqualTo(["eth0"]));
        Assert.That(layout.Wanted.Links["eth0"].Master, Is.Null);
        Assert.That(layout.Wanted.Addresses.Single(), Is.EqualTo(new LinkAddress("eth0", "198.51.100.20/24")));
        Assert.That(layout.Links[new NetworkSubject.Bond(BondUuid)], Is.EqualTo("eth0"));
    }

    [Test]
    public void What_the_host_booted_with_goes_to_the_bond_until_it_is_retired()
    {
        var orders = Orders(Bond(), [Nic(CardA), Nic(CardB)]);
        var had = new BootedNetwork([new BootedCard(CardA, ["192.0.2.10/24"], [new Route("default", false, "192.0.2.1", "eth0", IsOurs: false)])]);

        var carried = HostLayout.Of(orders, Booted, had).Wanted;
        Assert.That(carried.Addresses.Single(), Is.EqualTo(new LinkAddress(BondLink, "192.0.2.10/24")));
        Assert.That(carried.Routes.Single(), Is.EqualTo(new Route("default", false, "192.0.2.1", BondLink, Metric: 99)));
        Assert.That(HostLayout.Of(orders, Booted, had.Retired()).Wanted.Addresses, Is.Empty);
        Assert.That(HostLayout.Of(Orders(Bond(BondMode.Single), [Nic(CardA)]), Booted, had).Wanted.Addresses, Is.Empty);
    }

    [Test]
    public void A_card_that_nobody_wants_any_more_is_let_go()
    {
        var here = Booted.With(Booted.Links["eth1"] with { Master = BondLink });
        Assert.That(HostLayout.Of(HostOrders.None, here, BootedNetwork.None).Wanted.Links.Values.Single(),
            Is.EqualTo(new Link { Name = "eth1", Kind = LinkKind.Card, Master = "" }));
        Assert.That(HostLayout.Of(HostOrders.None, Booted.With(Booted.Links["eth1"] with { Master = "docker0" }), BootedNetwork.None).Wanted.Links, Is.Empty);
    }

    [Test]
    public void What_the_machine_has_not_is_said()
    {
        var layout = HostLayout.Of(
            Orders(Bond(BondMode.Single), [Nic("52:54:00:00:00:0c")], Role(NetRole.Virtual, "198.51.100.20", tag: 5)), Booted, BootedNetwork.None);
        Assert.That(layout.Faults[new NetworkSubject.Nic("52:54:00:00:00:0c")], Is.EqualTo("The machine has no card with this address."));
        Assert.That(layout.Faults[new NetworkSubject.Bond(BondUuid)], Is.EqualTo("The machine does not have the card of the bond."));
        Assert.That(layout.Faults[new NetworkSubject.Role(Role(NetRole.Virtual).Uuid)], Does.StartWith("Its bond has no link"));
        Assert.That(layout.Wanted.Links, Is.Empty);
    }

    [TestCase(NetRole.Management, NetRole.Public, 1)]
    [TestCase(NetRole.Public, NetRole.Management, 2)]
    [TestCase(NetRole.Storage, NetRole.Public, 2)]
    [TestCase(NetRole.Storage, NetRole.Core, 0)]
    public void The_default_route_is_the_management_role_s_or_else_the_public_one_s(NetRole first, NetRole second, int chosen)
    {
        var layout = HostLayout.Of(
            Orders(Bond(), [Nic(CardA)],
                Role(first, "192.0.2.20", tag: 1, gateway: "192.0.2.1"), Role(second, "198.51.100.20", tag: 2, gateway: "198.51.100.1", number: 2)),
            Booted,
            BootedNetwork.None);
        Assert.That(layout.Wanted.Routes.Select(route => route.Link), Is.EqualTo(chosen == 0 ? [] : new[] { LinkNames.Vlan(BondUuid, chosen) }));
    }
}
