using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using static PonyCloud.Twilight.Tests.Networks.Links.Plans;

namespace PonyCloud.Twilight.Tests.Networks.Links;

/// <summary>Plans as iproute2 gets them.</summary>
[TestFixture]
public sealed class NetworkPlannerTests
{
    private static readonly NetworkState Cards = Host(Found("eth0"), Found("eth1", isUp: true));

    private static readonly NamespaceState Bonded = Of(
        Card("eth0", Bond, isUp: true), Card("eth1", Bond, isUp: true), NewBond(BondMode.Lacp, LacpRate.Fast, mtu: 9000), NewVlan(mtu: 1600)) with
    {
        Addresses = [new LinkAddress(Vlan, "192.0.2.1/24")],
        Routes = [new Route("default", IsIpv6: false, "192.0.2.254", Vlan)],
    };

    private static void Plan(NetworkState actual, NetworkState wanted, string steps, string obstacles = "")
    {
        var plan = NetworkPlanner.Plan(actual, wanted);
        var text = string.Join('\n', plan.Steps.Select(StepText.Of)).Replace("; ", "\n", StringComparison.Ordinal);
        Assert.That(text, Is.EqualTo(steps));
        Assert.That(string.Join('\n', plan.Obstacles.Select(obstacle => $"{obstacle.Link}: {obstacle.Why}")), Is.EqualTo(obstacles));
        Assert.That(NetworkPlanner.Plan(After(actual, plan.Steps), wanted).Steps, Is.Empty, "nothing is left to do");
    }

    [Test]
    public void A_bond_of_cards_with_a_VLAN_that_has_an_address_and_a_route() => Plan(Cards, Host(Bonded), """
        ip link add dev pcb000000000001 address 52:54:00:00:00:01 mtu 9000 type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4
        ip link set dev pcb000000000001 alias "ponycloud bond"
        ip link set dev pcb000000000001 up
        ip link set dev eth0 master pcb000000000001
        ip link set dev eth1 down
        ip link set dev eth1 master pcb000000000001
        ip link add dev pcv00000000.064 link pcb000000000001 mtu 1600 type vlan id 100
        ip link set dev pcv00000000.064 alias "ponycloud vlan"
        ip link set dev pcv00000000.064 up
        ip address add 192.0.2.1/24 dev pcv00000000.064 metric 9860
        ip route add default via 192.0.2.254 dev pcv00000000.064 protocol 98
        """);

    [Test]
    public void A_switch_with_a_tunnel_a_card_and_its_namespace()
    {
        var host = Of(NewBridge(), NewTunnel(), NewTap(), NewCable()) with
        {
            Neighbours = [new Neighbour(Bridge, "10.0.0.7", "02:00:00:00:00:77")],
            Forwardings =
            [
                new Forwarding(Tunnel, "02:00:00:00:00:77", "192.0.2.2"), new Forwarding(Tunnel, "02:00:00:00:00:77"), new Forwarding(Tap, "02:00:00:00:00:78"),
                new Forwarding(Tunnel, "00:00:00:00:00:00", "192.0.2.2"),
            ],
        };
        var space = Of(NewCableEnd(), Card("lo", isUp: true)) with
        {
            Addresses = [new LinkAddress("guests", "10.0.0.1/24"), new LinkAddress("guests", "fd00::1/64")],
            Routes = [new Route("default", IsIpv6: true, "fd00::2", "guests", Table: 100)],
            Rules = [new RoutingRule(IsIpv6: true, "guests", 100)],
            Sysctls = NetworkState.Empty[""].Sysctls.Add("net.ipv4.ip_forward", "1"),
        };

        Plan(NetworkState.Empty, Host(host).With(Space, space), """
            ip netns add pc-000000000001
            ip link add dev pcs000000000001 address 02:00:00:00:00:01 mtu 1280 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
            ip link set dev pcs000000000001 mtu 1450 alias "ponycloud switch"
            sysctl -w net/ipv6/conf/pcs000000000001/addr_gen_mode=1
            sysctl -w net/ipv6/conf/pcs000000000001/accept_ra=0
            ip link set dev pcs000000000001 up
            ip link add dev pcx000000000001 mtu 1450 type vxlan id 5 local 192.0.2.1 dstport 4789 nolearning
            ip link set dev pcx000000000001 addrgenmode none master pcs000000000001 alias "ponycloud tunnel"
            ip link set dev pcx000000000001 up type bridge_slave learning off flood off mcast_flood off bcast_flood off neigh_suppress on isolated off
            ip link add dev pcg000000000001 mtu 1450 type veth peer name guests netns pc-000000000001 address 02:00:00:00:00:0a mtu 1450
            ip link set dev pcg000000000001 addrgenmode none master pcs000000000001 alias "ponycloud service"
            ip link set dev pcg000000000001 up
            ip tuntap add dev pct000000000001 mode tap vnet_hdr
            ip link set dev pct000000000001 mtu 1450 addrgenmode none master pcs000000000001 alias "ponycloud vnic"
            ip link set dev pct000000000001 up
            ip neighbour replace 10.0.0.7 lladdr 02:00:00:00:00:77 dev pcs000000000001 nud permanent protocol 98
            bridge fdb replace 02:00:00:00:00:78 dev pct000000000001 master static
            bridge fdb append 00:00:00:00:00:00 dev pcx000000000001 dst 192.0.2.2 self static
            bridge fdb replace 02:00:00:00:00:77 dev pcx000000000001 master static
            bridge fdb replace 02:00:00:00:00:77 dev pcx000000000001 dst 192.0.2.2 self static
            nsenter --net=/run/netns/pc-000000000001 sysctl -w net/ipv4/ip_forward=1
            ip -n pc-000000000001 link set dev lo up
            ip -n pc-000000000001 link set dev guests alias "ponycloud guests" up
            ip -n pc-000000000001 address add 10.0.0.1/24 dev guests metric 9860
            ip -n pc-000000000001 address add fd00::1/64 dev guests metric 9860 nodad
            ip -n pc-000000000001 route add ::/0 via fd00::2 dev guests table 100 protocol 98
            ip -6 -n pc-000000000001 rule add iif guests lookup 100 protocol 98
            """);
    }

    [Test]
    public void What_is_not_wanted_any_more_goes_from_above_to_below()
    {
        var host = Of(NewBridge(), NewTunnel(), NewTap(), NewCable(), NewBond(), NewVlan()) with { Addresses = [new LinkAddress(Vlan, "192.0.2.1/24")] };
        var actual = Made(NetworkState.Empty, Host(host).With(Space, Of(NewCableEnd())));

        Plan(actual, NetworkState.Empty, """
            ip link delete dev pcv00000000.064
            ip link delete dev pcb000000000001
            ip link delete dev pcg000000000001
            ip link delete dev pcs000000000001
            ip link delete dev pct000000000001
            ip link delete dev pcx000000000001
            ip netns delete pc-000000000001
            """);
    }

    [Test]
    public void The_mode_of_a_bond_changes_without_its_VLANs() => Plan(
        Made(Cards, Host(Bonded)),
        Host(Bonded with { Links = Bonded.Links.SetItem(Bond, NewBond(mtu: 9000)) }),
        """
        ip link set dev eth0 nomaster
        ip link set dev eth1 nomaster
        ip link set dev pcb000000000001 down
        ip link set dev pcb000000000001 type bond mode active-backup miimon 100
        ip link set dev pcb000000000001 up
        ip link set dev pcb000000000001 address 52:54:00:00:00:01
        ip link set dev eth0 master pcb000000000001
        ip link set dev eth1 master pcb000000000001
        ip route add default via 192.0.2.254 dev pcv00000000.064 protocol 98
        """);

    [Test]
    public void The_rate_of_LACP_changes_while_the_bond_is_down_for_a_moment() => Plan(
        Made(Cards, Host(Bonded)),
        Host(Bonded with { Links = Bonded.Links.SetItem(Bond, NewBond(BondMode.Lacp, LacpRate.Slow, mtu: 9000)) }),
        """
        ip link set dev pcb000000000001 down
        ip link set dev pcb000000000001 type bond lacp_rate slow
        ip link set dev pcb000000000001 up
        ip route add default via 192.0.2.254 dev pcv00000000.064 protocol 98
        """);

    [Test]
    public void Of_a_bond_that_is_not_for_LACP_its_rate_and_policy_are_nothing()
    {
        var bond = NewBond() with { Bond = new BondSettings(BondMode.ActiveBackup, LacpRate.Fast, XmitHashPolicy.Layer2) };
        Plan(Made(Cards, Host(NewBond())), Host(bond), "");
    }

    [Test]
    public void A_card_that_the_bond_has_no_more_is_freed() => Plan(
        Made(Cards, Host(Bonded)),
        Host(Bonded with { Links = Bonded.Links.Remove("eth1") }),
        "ip link set dev eth1 nomaster");

    [Test]
    public void A_card_of_another_bond_comes_over_and_its_leftover_goes()
    {
        const string other = "pcb00000000000f";
        var actual = Made(Cards, Host(Card("eth0", other), NewBond(name: other)));

        Plan(actual, Host(Card("eth0", Bond), NewBond()), """
            ip link add dev pcb000000000001 address 52:54:00:00:00:01 type bond mode active-backup miimon 100
            ip link set dev pcb000000000001 alias "ponycloud bond"
            ip link set dev pcb000000000001 up
            ip link set dev eth0 nomaster
            ip link set dev eth0 master pcb000000000001
            ip link delete dev pcb00000000000f
            """);
    }

    [Test]
    public void A_card_that_is_to_stay_up_is_freed_of_a_bond_that_goes() => Plan(
        Made(Cards, Host(Card("eth0", Bond), NewBond())),
        Host(Card("eth0", isUp: true)),
        """
        ip link set dev eth0 nomaster
        ip link set dev eth0 up
        ip link delete dev pcb000000000001
        """);

    [Test]
    public void A_VLAN_of_another_tag_is_made_anew_with_what_is_on_it() => Plan(
        Made(Cards, Host(Bonded)),
        Host(Bonded with { Links = Bonded.Links.SetItem(Vlan, NewVlan(tag: 7, mtu: 1600)) }),
        """
        ip link delete dev pcv00000000.064
        ip link add dev pcv00000000.064 link pcb000000000001 mtu 1600 type vlan id 7
        ip link set dev pcv00000000.064 alias "ponycloud vlan"
        ip link set dev pcv00000000.064 up
        ip address add 192.0.2.1/24 dev pcv00000000.064 metric 9860
        ip route add default via 192.0.2.254 dev pcv00000000.064 protocol 98
        """);

    [Test]
    public void A_leftover_with_the_place_of_what_is_wanted_goes_first() => Plan(
        Made(Cards, Host(NewBond(), NewVlan(name: "pcv0000000f.064"), NewBridge(), NewTunnel(name: "pcx00000000000f"))),
        Host(NewBond(), NewVlan(), NewBridge(), NewTunnel(master: null)),
        """
        ip link delete dev pcv0000000f.064
        ip link delete dev pcx00000000000f
        ip link add dev pcv00000000.064 link pcb000000000001 type vlan id 100
        ip link set dev pcv00000000.064 alias "ponycloud vlan"
        ip link set dev pcv00000000.064 up
        ip link add dev pcx000000000001 mtu 1450 type vxlan id 5 local 192.0.2.1 dstport 4789 nolearning
        ip link set dev pcx000000000001 alias "ponycloud tunnel"
        ip link set dev pcx000000000001 up
        """);

    [Test]
    public void A_tunnel_takes_another_address_of_its_family_as_it_is_and_one_of_the_other_anew()
    {
        var actual = Made(NetworkState.Empty, Host(NewBridge(), NewTunnel()));

        Plan(actual, Host(NewBridge(), NewTunnel("192.0.2.9")), "ip link set dev pcx000000000001 type vxlan id 5 local 192.0.2.9");
        Plan(actual, Host(NewBridge(), NewTunnel("2001:db8::1")), """
            ip link delete dev pcx000000000001
            ip link add dev pcx000000000001 mtu 1450 type vxlan id 5 local 2001:db8::1 dstport 4789 nolearning
            ip link set dev pcx000000000001 addrgenmode none master pcs000000000001 alias "ponycloud tunnel"
            ip link set dev pcx000000000001 up type bridge_slave learning off flood off mcast_flood off bcast_flood off neigh_suppress on isolated off
            """);
    }

    [Test]
    public void The_MTU_of_a_VLAN_grows_after_that_of_its_bond_and_is_never_larger() => Plan(
        Made(Cards, Host(NewBond(mtu: 1500), NewVlan(mtu: 1500))),
        Host(NewBond(mtu: 9000), NewVlan(mtu: 9100)),
        """
        ip link set dev pcb000000000001 mtu 9000
        ip link set dev pcv00000000.064 mtu 9000
        """);

    [Test]
    public void Another_address_comes_before_the_old_one_goes_which_takes_no_others_with_it()
    {
        var actual = Made(Cards, Host(Of(Card("eth0", isUp: true)) with { Addresses = [new LinkAddress("eth0", "192.0.2.1/24")] }));
        actual = actual.With("", actual[""] with { Addresses = actual[""].Addresses.Add(new LinkAddress("eth0", "192.0.2.5/24", IsOurs: false)) });

        Plan(actual, Host(Of(Card("eth0", isUp: true)) with { Addresses = [new LinkAddress("eth0", "192.0.2.2/24")] }), """
            ip address add 192.0.2.2/24 dev eth0 metric 9860
            sysctl -w net/ipv4/conf/eth0/promote_secondaries=1
            ip address delete 192.0.2.1/24 dev eth0
            """);
    }

    [Test]
    public void A_card_of_somebody_else_keeps_all_but_what_is_said_of_it()
    {
        var there = Of(Found("eth0", isUp: true)) with
        {
            Addresses = [new LinkAddress("eth0", "192.0.2.5/24", IsOurs: false), new LinkAddress("eth0", "10.0.0.1/24")],
            Routes = [new Route("default", IsIpv6: false, "192.0.2.254", "eth0", IsOurs: false), new Route("10.1.0.0/16", IsIpv6: false, null, "eth0")],
        };

        Plan(Host(there), Host(Card("eth0", mtu: 9000)), """
            ip link set dev eth0 mtu 9000
            ip route delete 10.1.0.0/16 dev eth0 protocol 98
            ip address delete 10.0.0.1/24 dev eth0
            """);
    }

    [Test]
    public void What_somebody_else_made_stays_and_is_told()
    {
        var actual = Host(
            Found("eth0"),
            NewBridge() with { Alias = "mine" },
            new Link { Name = Tunnel, Kind = LinkKind.Bridge, Mtu = 1500, Master = "", IsUp = false },
            NewVlan("eth0", name: "eth0.100") with { Alias = null });

        Plan(
            actual, Host(Card("eth0", isUp: true), Card("eth9"), NewBridge(), NewTap(), NewTunnel(master: null), NewVlan("eth0")),
            "ip link set dev eth0 up",
            """
            eth9: There is no link eth9.
            pcs000000000001: A link pcs000000000001 is there, which the platform did not make.
            pct000000000001: It needs pcs000000000001, which cannot be as it is to be.
            pcv00000000.064: eth0.100 has its place, which the platform did not make.
            pcx000000000001: A link pcx000000000001 is there, which the platform did not make.
            """);
    }

    [Test]
    public void A_leftover_on_which_something_of_somebody_else_stands_stays_and_is_told() => Plan(
        Host(NewBond() with { Mtu = 1500, Master = "" }, NewVlan(name: "mine") with { Alias = null, Mtu = 1500, Master = "" }),
        NetworkState.Empty,
        "",
        "pcb000000000001: It is not needed any more, and mine stands on it, which the platform did not make.");

    [Test]
    public void A_link_without_an_alias_that_is_called_as_nobody_else_calls_his_is_finished()
    {
        var half = Host(NewTap(master: "") with { Alias = null, IsUp = false, Mtu = 1500 });

        Plan(half, Host(NewTap(master: null)), """
            ip link set dev pct000000000001 mtu 1450 alias "ponycloud vnic" up
            """);
        Plan(half, NetworkState.Empty, "ip link delete dev pct000000000001");
    }

    [Test]
    public void A_namespace_that_cannot_be_entered_is_made_anew() => Plan(
        NetworkState.Empty.With(Space, new NamespaceState { IsBroken = true }),
        NetworkState.Empty.With(Space, Of()),
        """
        ip netns delete pc-000000000001
        ip netns add pc-000000000001
        """);

    [Test]
    public void A_guest_that_moved_is_found_at_its_new_place_without_a_gap()
    {
        var links = Of(NewBridge(), NewTunnel(), NewTap());
        NetworkState At(string endpoint) => Host(links with { Forwardings = [new Forwarding(Tunnel, "02:00:00:00:00:77", endpoint), new Forwarding(Tunnel, "02:00:00:00:00:77")] });

        Plan(Made(NetworkState.Empty, At("192.0.2.2")), At("192.0.2.3"), "bridge fdb replace 02:00:00:00:00:77 dev pcx000000000001 dst 192.0.2.3 self static");
        Plan(Made(NetworkState.Empty, At("192.0.2.2")), Host(links with { Forwardings = [new Forwarding(Tap, "02:00:00:00:00:77")] }), """
            bridge fdb replace 02:00:00:00:00:77 dev pct000000000001 master static
            bridge fdb delete 02:00:00:00:00:77 dev pcx000000000001 dst 192.0.2.2 self
            """);
    }

    [Test]
    public void A_sysctl_that_the_platform_does_not_know_is_an_error_of_whoever_wants_it() => Assert.Throws<ArgumentException>(
        () => NetworkPlanner.Plan(NetworkState.Empty, Host(Of() with { Sysctls = NetworkState.Empty[""].Sysctls.Add("kernel.panic", "1") })));
}
