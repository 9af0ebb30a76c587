using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using static PonyCloud.Twilight.Networks.NetworkStep;

namespace PonyCloud.TestKit.Network;

/// <summary>
/// What every network stack does, the fake as the kernel's: the steps, what else they change, and what is refused. Bonds and VLANs,
/// which not every kernel has, are in a suite of their own. The host has the cards <c>wire0</c> and <c>wire1</c>.
/// </summary>
[CancelAfter(120_000)]
public abstract class NetworkStackContract
{
    protected const string Host = NetworkState.Host;
    protected const string Space = "pc-0123456789ab";
    protected const string Bridge = "pcs0123456789ab";
    protected const string Tap = "pct0123456789ab";
    protected const string Tunnel = "pcx0123456789ab";
    protected const string Cable = "pcg0123456789ab";

    protected INetworkStack Stack { get; private set; } = null!;

    /// <summary>A new one, with two cards that are down and nothing else.</summary>
    protected abstract Task<INetworkStack> OpenAsync();

    protected abstract Task CloseAsync();

    /// <summary>Lets somebody else put a bridge of this name there, without an alias.</summary>
    protected abstract Task PutForeignBridgeAsync(string name);

    [SetUp]
    public async Task OpenStackAsync() => Stack = await OpenAsync();

    [TearDown]
    public Task CloseStackAsync() => CloseAsync();

    protected static Link NewBridge(string name = Bridge, int mtu = 1450) => new()
    {
        Name = name,
        Kind = LinkKind.Bridge,
        Alias = "ponycloud switch one",
        HardwareAddress = "02:00:00:00:00:01",
        Mtu = mtu,
        IsUp = true,
    };

    protected static Link NewTap(string name = Tap, string? master = Bridge, BridgePortSettings? port = null) => new()
    {
        Name = name,
        Kind = LinkKind.Tap,
        Alias = "ponycloud card of an instance",
        Mtu = 1400,
        IsUp = true,
        Master = master,
        Port = port,
    };

    protected static Link NewTunnel(string local = "192.0.2.1", int id = 4711, string? device = null) => new()
    {
        Name = Tunnel,
        Kind = LinkKind.Vxlan,
        Alias = "ponycloud tunnel",
        Mtu = 1400,
        IsUp = true,
        Master = Bridge,
        Vxlan = new VxlanSettings(id, local, device),
        Port = new BridgePortSettings(Learns: false, Floods: false, SuppressesNeighbours: true),
    };

    protected static Link Up(string name, LinkKind kind = LinkKind.Card) => new()
    {
        Name = name,
        Kind = kind,
        IsUp = true,
    };

    protected static Link Down(string name, LinkKind kind = LinkKind.Card) => Up(name, kind) with { IsUp = false };

    protected Task ApplyAsync(params NetworkStep[] steps) => Stack.ApplyAsync(steps, CancellationToken.None);

    protected async Task<NamespaceState> LookAsync(string space = Host) => (await Stack.ScanAsync(CancellationToken.None))[space];

    protected async Task<NetworkException> RefusalOfAsync(NetworkStep step)
    {
        var refusal = await Assert.ThrowsAsync<NetworkException>(() => ApplyAsync(step));
        Assert.That(refusal!.Step, Is.EqualTo(step), refusal.Message);
        return refusal;
    }

    [Test]
    public async Task A_card_is_seen_as_it_is()
    {
        var card = (await LookAsync()).Links["wire0"];

        Assert.That((card.Kind is LinkKind.Card or LinkKind.Veth, card.IsOurs, card.IsUp, card.Mtu, card.Master), Is.EqualTo((true, false, false, 1500, "")));
    }

    [Test]
    public async Task A_bridge_is_made_as_it_is_to_be_and_goes()
    {
        await ApplyAsync(new AddLink(Host, NewBridge()));
        var bridge = (await LookAsync()).Links[Bridge];
        await ApplyAsync(new RemoveLink(Host, Bridge));

        Assert.That(
            (bridge.Kind, bridge.Alias, bridge.HardwareAddress, bridge.Mtu, bridge.IsUp, bridge.IsOurs),
            Is.EqualTo((LinkKind.Bridge, "ponycloud switch one", "02:00:00:00:00:01", 1450, true, true)));
        Assert.That((await LookAsync()).Links.Keys, Has.None.EqualTo(Bridge));
    }

    [TestCase(1280)]
    [TestCase(1500)]
    [TestCase(9000)]
    public async Task A_bridge_keeps_its_mtu_and_its_address_whatever_its_ports_have(int mtu)
    {
        await ApplyAsync(new AddLink(Host, NewBridge(mtu: mtu)), new AddLink(Host, NewTap()), new ChangeLink(Host, Up("wire0") with { Master = Bridge }));

        var bridge = (await LookAsync()).Links[Bridge];
        Assert.That((bridge.Mtu, bridge.HardwareAddress), Is.EqualTo((mtu, "02:00:00:00:00:01")));
    }

    [Test]
    public async Task A_port_is_made_with_its_settings()
    {
        var settings = new BridgePortSettings(Learns: false, Floods: false, SuppressesNeighbours: true, IsIsolated: true);
        await ApplyAsync(new AddLink(Host, NewBridge()), new AddLink(Host, NewTap(port: settings)), new AddLink(Host, NewTunnel()));

        var links = (await LookAsync()).Links;
        Assert.That((links[Tap].Master, links[Tap].Port, links[Tap].Mtu, links[Tap].IsUp, links[Tap].Kind), Is.EqualTo((Bridge, settings, 1400, true, LinkKind.Tap)));
        Assert.That((links[Tunnel].Vxlan, links[Tunnel].Port), Is.EqualTo((NewTunnel().Vxlan, NewTunnel().Port)));
    }

    [Test]
    public async Task A_port_changes_its_settings_and_its_bridge()
    {
        const string other = "pcsaaaaaaaaaaaa";
        var settings = new BridgePortSettings(Learns: false, Floods: true, SuppressesNeighbours: false, IsIsolated: true);
        await ApplyAsync(
            new AddLink(Host, NewBridge()), new AddLink(Host, NewBridge(other)), new AddLink(Host, NewTap(port: settings)),
            new AddForwarding(Host, new Forwarding(Tap, "02:00:00:00:00:77")));
        await ApplyAsync(new ChangeLink(Host, new Link { Name = Tap, Kind = LinkKind.Tap, Master = other }));
        var moved = await LookAsync();
        await ApplyAsync(new ChangeLink(Host, new Link { Name = Tap, Kind = LinkKind.Tap, Port = settings }));
        var changed = await LookAsync();
        await ApplyAsync(new ChangeLink(Host, new Link { Name = Tap, Kind = LinkKind.Tap, Master = "" }));

        Assert.That((moved.Links[Tap].Master, moved.Links[Tap].Port), Is.EqualTo((other, KernelDefaults.Port)), "what it was before is forgotten");
        Assert.That(moved.Forwardings, Is.Empty);
        Assert.That(changed.Links[Tap].Port, Is.EqualTo(settings));
        var freed = (await LookAsync()).Links[Tap];
        Assert.That((freed.Master, freed.Port), Is.EqualTo(("", (BridgePortSettings?)null)));
    }

    [Test]
    public async Task A_link_takes_another_alias_mtu_and_hardware_address()
    {
        await ApplyAsync(new AddLink(Host, NewBridge()));
        await ApplyAsync(new ChangeLink(Host, new Link
        {
            Name = Bridge,
            Kind = LinkKind.Bridge,
            Alias = "ponycloud  what for; $HOME, `ls`",
            HardwareAddress = "02:00:00:00:00:02",
            Mtu = 1300,
        }));

        var bridge = (await LookAsync()).Links[Bridge];
        Assert.That((bridge.Alias, bridge.HardwareAddress, bridge.Mtu), Is.EqualTo(("ponycloud  what for; $HOME, `ls`", "02:00:00:00:00:02", 1300)));
    }

    [Test]
    public async Task A_cable_joins_two_namespaces_and_goes_with_either_end()
    {
        var peer = new Link
        {
            Name = "guests",
            Kind = LinkKind.Veth,
            HardwareAddress = "02:00:00:00:00:0a",
            Mtu = 1380,
        };
        var cable = new Link
        {
            Name = Cable,
            Kind = LinkKind.Veth,
            Alias = "ponycloud service",
            Mtu = 1390,
            IsUp = true,
            Master = Bridge,
            Veth = new VethSettings(Space, "guests"),
        };
        await ApplyAsync(new AddNamespace(Space), new AddLink(Host, NewBridge()), new AddLink(Host, cable, peer));
        await ApplyAsync(new ChangeLink(Space, Up("guests", LinkKind.Veth) with { Alias = "ponycloud guests" }));
        var (here, there) = ((await LookAsync()).Links[Cable], (await LookAsync(Space)).Links["guests"]);
        await ApplyAsync(new RemoveLink(Space, "guests"));

        Assert.That((here.Veth, here.Mtu, here.Master, here.IsUp), Is.EqualTo((new VethSettings(Space, "guests"), 1390, Bridge, true)));
        Assert.That(
            (there.Veth, there.Mtu, there.HardwareAddress, there.Alias, there.IsUp),
            Is.EqualTo((new VethSettings(Host, Cable), 1380, "02:00:00:00:00:0a", "ponycloud guests", true)));
        Assert.That((await LookAsync()).Links.Keys, Has.None.EqualTo(Cable));
    }

    [Test]
    public async Task A_namespace_comes_and_goes()
    {
        await ApplyAsync(new AddNamespace(Space), new ChangeLink(Space, Up("lo", LinkKind.Other)));
        var there = await LookAsync(Space);
        await ApplyAsync(new RemoveNamespace(Space));

        Assert.That(there.Links["lo"].IsUp, Is.True);
        Assert.That((await Stack.ScanAsync(CancellationToken.None)).Namespaces.Keys, Is.EqualTo(new[] { Host }));
    }

    [Test]
    public async Task Addresses_of_the_platform_are_told_from_others()
    {
        await ApplyAsync(
            new ChangeLink(Host, Up("wire0")),
            new AddAddress(Host, new LinkAddress("wire0", "192.0.2.1/24")),
            new AddAddress(Host, new LinkAddress("wire0", "2001:db8::1/64")));
        var given = (await LookAsync()).Addresses.Where(address => address.IsOurs).ToList();
        await ApplyAsync(new RemoveAddress(Host, new LinkAddress("wire0", "192.0.2.1/24")));

        Assert.That(given, Is.EquivalentTo(new[] { new LinkAddress("wire0", "192.0.2.1/24"), new LinkAddress("wire0", "2001:db8::1/64") }));
        Assert.That((await LookAsync()).Addresses.Where(address => address.IsOurs), Is.EqualTo(new[] { new LinkAddress("wire0", "2001:db8::1/64") }));
    }

    [Test]
    public async Task What_is_given_back_to_somebody_else_is_not_the_platform_s()
    {
        var (address, route) = (new LinkAddress("wire0", "192.0.2.1/24", IsOurs: false), new Route("198.51.100.0/24", false, "192.0.2.9", "wire0", IsOurs: false));
        await ApplyAsync(new ChangeLink(Host, Up("wire0")), new AddAddress(Host, address), new AddRoute(Host, route));
        var there = await LookAsync();
        Assert.That(there.Addresses, Does.Contain(address));
        Assert.That(there.Routes, Does.Contain(route));
    }

    [Test]
    public async Task Routes_come_and_go()
    {
        Route[] routes =
        [
            new("203.0.113.0/24", IsIpv6: false, "192.0.2.254", "wire0"),
            new("198.51.100.7/32", IsIpv6: false, null, "wire0", "192.0.2.1"),
            new("default", IsIpv6: false, "192.0.2.254", "wire0", null, Table: 100, Metric: 50),
            new("2001:db8:1::/48", IsIpv6: true, "2001:db8::fe", "wire0"),
            new("2001:db8:2::5/128", IsIpv6: true, null, "wire0", null, Table: 100, Metric: 7),
            new("default", IsIpv6: true, "2001:db8::fe", "wire0"),
        ];
        await ApplyAsync(
            new ChangeLink(Host, Up("wire0")), new ChangeLink(Host, Up("wire1")),
            new AddAddress(Host, new LinkAddress("wire0", "192.0.2.1/24")), new AddAddress(Host, new LinkAddress("wire0", "2001:db8::1/64")));
        await ApplyAsync([.. routes.Select(route => new AddRoute(Host, route))]);
        var there = (await LookAsync()).Routes;
        await ApplyAsync([.. routes.Select(route => new RemoveRoute(Host, route))]);

        Assert.That(there, Is.EquivalentTo(routes));
        Assert.That((await LookAsync()).Routes, Is.Empty);
    }

    [Test]
    public async Task Rules_come_and_go()
    {
        RoutingRule[] rules = [new(IsIpv6: false, "wire0", 100), new(IsIpv6: true, "wire0", 100), new(IsIpv6: false, "nobody", 101)];
        await ApplyAsync([.. rules.Select(rule => new AddRule(Host, rule))]);
        var there = (await LookAsync()).Rules;
        await ApplyAsync([.. rules.Take(2).Select(rule => new RemoveRule(Host, rule))]);

        Assert.That(there, Is.EquivalentTo(rules));
        Assert.That((await LookAsync()).Rules, Is.EqualTo(rules.Skip(2)));
    }

    [Test]
    public async Task A_neighbour_is_known_once()
    {
        await ApplyAsync(
            new AddLink(Host, NewBridge()),
            new AddNeighbour(Host, new Neighbour(Bridge, "10.0.0.5", "02:00:00:00:00:05")),
            new AddNeighbour(Host, new Neighbour(Bridge, "10.0.0.5", "02:00:00:00:00:06")),
            new AddNeighbour(Host, new Neighbour(Bridge, "fd00::5", "02:00:00:00:00:05")),
            new AddNeighbour(Host, new Neighbour(Bridge, "fd00::7", "02:00:00:00:00:07")),
            new RemoveNeighbour(Host, new Neighbour(Bridge, "fd00::7", "02:00:00:00:00:07")));

        Assert.That(
            (await LookAsync()).Neighbours,
            Is.EquivalentTo(new[] { new Neighbour(Bridge, "10.0.0.5", "02:00:00:00:00:06"), new Neighbour(Bridge, "fd00::5", "02:00:00:00:00:05") }));
    }

    [Test]
    public async Task Where_a_hardware_address_is_is_known_once_but_for_everybody()
    {
        const string everybody = "00:00:00:00:00:00";
        const string guest = "02:00:00:00:00:77";
        await ApplyAsync(new AddLink(Host, NewBridge()), new AddLink(Host, NewTap()), new AddLink(Host, NewTunnel()));
        await ApplyAsync(
            new AddForwarding(Host, new Forwarding(Tunnel, guest, "192.0.2.2")),
            new AddForwarding(Host, new Forwarding(Tunnel, guest, "192.0.2.3")),
            new AddForwarding(Host, new Forwarding(Tunnel, guest)),
            new AddForwarding(Host, new Forwarding(Tunnel, everybody, "192.0.2.2")),
            new AddForwarding(Host, new Forwarding(Tunnel, everybody, "192.0.2.3")));
        var remote = (await LookAsync()).Forwardings;
        await ApplyAsync(
            new AddForwarding(Host, new Forwarding(Tap, guest)),
            new RemoveForwarding(Host, new Forwarding(Tunnel, guest, "192.0.2.3")),
            new RemoveForwarding(Host, new Forwarding(Tunnel, everybody, "192.0.2.2")));

        Assert.That(remote, Is.EquivalentTo(new[]
        {
            new Forwarding(Tunnel, guest, "192.0.2.3"), new Forwarding(Tunnel, guest),
            new Forwarding(Tunnel, everybody, "192.0.2.2"), new Forwarding(Tunnel, everybody, "192.0.2.3"),
        }));
        Assert.That((await LookAsync()).Forwardings, Is.EquivalentTo(new[] { new Forwarding(Tap, guest), new Forwarding(Tunnel, everybody, "192.0.2.3") }));
    }

    [Test]
    public async Task A_tunnel_takes_another_address_while_it_is_there()
    {
        await ApplyAsync(
            new AddLink(Host, NewBridge()), new AddLink(Host, NewTunnel()),
            new ChangeLink(Host, new Link { Name = Tunnel, Kind = LinkKind.Vxlan, Vxlan = new VxlanSettings(4711, "192.0.2.9") }));

        Assert.That((await LookAsync()).Links[Tunnel].Vxlan!.Local, Is.EqualTo("192.0.2.9"));
    }

    [Test]
    public async Task A_tunnel_on_a_link_goes_with_it()
    {
        await ApplyAsync(
            new AddLink(Host, NewBridge()), new AddLink(Host, NewTap(master: null)),
            new AddLink(Host, NewTunnel(device: Tap) with { Mtu = 1350 }));
        var tunnel = (await LookAsync()).Links[Tunnel].Vxlan;
        await ApplyAsync(new RemoveLink(Host, Tap));

        Assert.That(tunnel!.Device, Is.EqualTo(Tap));
        Assert.That((await LookAsync()).Links.Keys, Has.None.EqualTo(Tunnel));
    }

    [Test]
    public async Task Sysctls_of_a_link_and_of_a_namespace_are_set_and_seen()
    {
        await ApplyAsync(
            new AddNamespace(Space), new AddLink(Host, NewBridge()),
            new SetSysctl(Space, "net.ipv4.ip_forward", "1"), new SetSysctl(Space, "net.ipv6.conf.all.forwarding", "1"),
            new SetSysctl(Host, SysctlNames.Ipv6(Bridge, "accept_ra"), "0"), new SetSysctl(Host, SysctlNames.Ipv6(Bridge, "addr_gen_mode"), "1"));

        var (here, there) = (await LookAsync(), await LookAsync(Space));
        Assert.That((here.Sysctls[SysctlNames.Ipv6(Bridge, "accept_ra")], here.Sysctls[SysctlNames.Ipv6(Bridge, "addr_gen_mode")]), Is.EqualTo(("0", "1")));
        Assert.That((there.Sysctls["net.ipv4.ip_forward"], there.Sysctls["net.ipv6.conf.all.forwarding"]), Is.EqualTo(("1", "1")));
        Assert.That(here.Sysctls.GetValueOrDefault("net.ipv4.ip_forward"), Is.Not.EqualTo("1"));
    }

    [Test]
    public async Task Without_its_link_nothing_of_it_is_left()
    {
        await ApplyAsync(
            new AddLink(Host, NewBridge()), new AddLink(Host, NewTap()),
            new AddAddress(Host, new LinkAddress(Bridge, "10.0.0.1/24")), new AddRoute(Host, new Route("10.1.0.0/16", IsIpv6: false, "10.0.0.2", Bridge)),
            new AddNeighbour(Host, new Neighbour(Bridge, "10.0.0.5", "02:00:00:00:00:05")), new AddForwarding(Host, new Forwarding(Tap, "02:00:00:00:00:77")),
            new RemoveLink(Host, Bridge));

        var host = await LookAsync();
        Assert.That((host.Addresses.Count(address => address.IsOurs), host.Routes.Count, host.Neighbours.Count, host.Forwardings.Count), Is.EqualTo((0, 0, 0, 0)));
        Assert.That((host.Links[Tap].Master, host.Links[Tap].IsUp), Is.EqualTo(("", true)));
    }

    [Test]
    public async Task A_link_that_goes_down_loses_its_routes_neighbours_and_IPv6_addresses()
    {
        await ApplyAsync(
            new AddLink(Host, NewBridge()), new AddLink(Host, NewTap()),
            new AddAddress(Host, new LinkAddress(Bridge, "10.0.0.1/24")), new AddAddress(Host, new LinkAddress(Bridge, "fd00::1/64")),
            new AddRoute(Host, new Route("10.1.0.0/16", IsIpv6: false, "10.0.0.2", Bridge)), new AddRoute(Host, new Route("fd01::/64", IsIpv6: true, null, Bridge)),
            new AddNeighbour(Host, new Neighbour(Bridge, "10.0.0.5", "02:00:00:00:00:05")), new AddForwarding(Host, new Forwarding(Tap, "02:00:00:00:00:77")),
            new ChangeLink(Host, Down(Bridge, LinkKind.Bridge)));

        var host = await LookAsync();
        Assert.That(host.Addresses.Where(address => address.IsOurs), Is.EqualTo(new[] { new LinkAddress(Bridge, "10.0.0.1/24") }));
        Assert.That((host.Routes.Count, host.Neighbours.Count, host.Forwardings.Count), Is.EqualTo((0, 0, 1)));
    }

    [Test]
    public async Task The_last_address_takes_the_routes_of_its_link_with_it()
    {
        await ApplyAsync(
            new AddLink(Host, NewBridge()), new AddLink(Host, NewTap()),
            new AddAddress(Host, new LinkAddress(Bridge, "10.0.0.1/24")), new AddRoute(Host, new Route("10.1.0.0/16", IsIpv6: false, null, Bridge)),
            new RemoveAddress(Host, new LinkAddress(Bridge, "10.0.0.1/24")));

        Assert.That((await LookAsync()).Routes, Is.Empty);
    }

    [Test]
    public async Task An_address_goes_alone_only_where_others_are_promoted()
    {
        LinkAddress[] addresses = [new(Bridge, "10.0.0.1/24"), new(Bridge, "10.0.0.2/24"), new(Bridge, "10.9.0.1/24")];
        await ApplyAsync([new AddLink(Host, NewBridge()), .. addresses.Select(address => new AddAddress(Host, address))]);
        await ApplyAsync(new SetSysctl(Host, SysctlNames.Ipv4(Bridge, "promote_secondaries"), "1"), new RemoveAddress(Host, addresses[0]));
        var promoted = (await LookAsync()).Addresses.Where(address => address.IsOurs).ToList();
        await ApplyAsync(
            new SetSysctl(Host, SysctlNames.Ipv4(Bridge, "promote_secondaries"), "0"), new AddAddress(Host, addresses[0]), new RemoveAddress(Host, addresses[1]));

        Assert.That(promoted, Is.EquivalentTo(addresses[1..]));
        Assert.That((await LookAsync()).Addresses.Where(address => address.IsOurs), Is.EqualTo(addresses[2..]));
    }

    [Test]
    public async Task Steps_are_carried_out_in_their_order_until_one_fails()
    {
        var failing = new AddAddress(Host, new LinkAddress("nosuch", "192.0.2.7/24"));
        var refusal = await Assert.ThrowsAsync<NetworkException>(() => ApplyAsync(
            new AddLink(Host, NewBridge()), failing, new AddLink(Host, NewTap())));

        Assert.That(refusal!.Step, Is.EqualTo(failing));
        Assert.That(refusal.Message, Does.Contain("Cannot find device \"nosuch\""));
        var links = (await LookAsync()).Links;
        Assert.That((links.ContainsKey(Bridge), links.ContainsKey(Tap)), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task What_the_kernel_refuses_is_refused_with_the_step()
    {
        await ApplyAsync(new AddLink(Host, NewBridge()), new AddLink(Host, NewTunnel()), new AddNamespace(Space), new ChangeLink(Host, Up("wire0")));
        await ApplyAsync(
            new AddAddress(Host, new LinkAddress("wire0", "192.0.2.1/24")), new AddAddress(Host, new LinkAddress("wire0", "fd00::1/64")),
            new AddRoute(Host, new Route("203.0.113.0/24", IsIpv6: false, "192.0.2.254", "wire0")),
            new AddLink(Host, NewTap(master: null)), new SetSysctl(Host, SysctlNames.Ipv6(Tap, "disable_ipv6"), "1"));

        Assert.That((await RefusalOfAsync(new AddLink(Host, NewBridge()))).Message, Does.Contain("File exists"));
        Assert.That((await RefusalOfAsync(new AddLink(Host, NewTunnel() with { Name = "pcxfffffffff" }))).Message, Does.Contain("VNI already exists"));
        await RefusalOfAsync(new AddNamespace(Space));
        await RefusalOfAsync(new RemoveNamespace("pc-nosuch"));
        await RefusalOfAsync(new RemoveLink(Host, "nosuch"));
        await RefusalOfAsync(new AddLink(Host, NewTap("pctfffffffff", master: "nosuch")));
        await RefusalOfAsync(new ChangeLink(Host, Up("nosuch")));
        await RefusalOfAsync(new AddAddress(Host, new LinkAddress("wire0", "192.0.2.1/24")));
        await RefusalOfAsync(new AddAddress(Host, new LinkAddress("wire0", "fd00::1/128")));
        await RefusalOfAsync(new AddAddress(Host, new LinkAddress(Tap, "fd00::5/128")));
        await RefusalOfAsync(new RemoveAddress(Host, new LinkAddress("wire0", "192.0.2.99/24")));
        await RefusalOfAsync(new AddRoute(Host, new Route("203.0.113.0/24", IsIpv6: false, "192.0.2.253", "wire0")));
        await RefusalOfAsync(new AddRoute(Host, new Route("198.51.100.0/24", IsIpv6: false, "10.7.7.7", "wire0")));
        await RefusalOfAsync(new AddRoute(Host, new Route("198.51.100.0/24", IsIpv6: false, null, "wire1")));
        await RefusalOfAsync(new AddRoute(Host, new Route("198.51.100.0/24", IsIpv6: false, null, "wire0", "10.7.7.7")));
        await RefusalOfAsync(new RemoveRoute(Host, new Route("198.51.100.0/24", IsIpv6: false, null, "wire0")));
        await RefusalOfAsync(new RemoveRule(Host, new RoutingRule(IsIpv6: true, "wire0", 100)));
        await RefusalOfAsync(new AddForwarding(Host, new Forwarding("wire0", "02:00:00:00:00:77")));
        await RefusalOfAsync(new RemoveForwarding(Host, new Forwarding(Tunnel, "02:00:00:00:00:77", "192.0.2.2")));
        await RefusalOfAsync(new RemoveNeighbour(Host, new Neighbour("wire0", "192.0.2.4", "02:00:00:00:00:77")));
        await RefusalOfAsync(new SetSysctl(Host, SysctlNames.Ipv6("nosuch", "accept_ra"), "0"));
    }

    [Test]
    public async Task A_link_of_somebody_else_is_seen_as_such()
    {
        await PutForeignBridgeAsync("br0");

        var bridge = (await LookAsync()).Links["br0"];
        Assert.That((bridge.Kind, bridge.IsOurs, bridge.Alias), Is.EqualTo((LinkKind.Bridge, false, (string?)null)));
    }

    [Test]
    public async Task Whatever_is_planned_the_stack_carries_out()
    {
        var wanted = Sample();
        var plan = NetworkPlanner.Plan(await Stack.ScanAsync(CancellationToken.None), wanted);
        await Stack.ApplyAsync(plan.Steps, CancellationToken.None);
        var second = NetworkPlanner.Plan(await Stack.ScanAsync(CancellationToken.None), wanted);
        await Stack.ApplyAsync(NetworkPlanner.Plan(await Stack.ScanAsync(CancellationToken.None), NetworkState.Empty).Steps, CancellationToken.None);
        var cleared = await Stack.ScanAsync(CancellationToken.None);

        Assert.That(plan.Obstacles, Is.Empty);
        Assert.That(second.Steps.Select(step => step.ToString()), Is.Empty);
        Assert.That(cleared.Namespaces.Keys, Is.EqualTo(new[] { Host }));
        Assert.That(cleared[Host].Links.Keys, Is.SubsetOf(new[] { "lo", "wire0", "wire1", "far0", "far1" }));
        Assert.That((cleared[Host].Routes.Count, cleared[Host].Rules.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task A_change_is_a_reason_to_look()
    {
        // It does not say when it listens, so there are several.
        await Eventually.SeesAsync("a change", async _ =>
        {
            await ApplyAsync(new AddLink(Host, NewBridge()), new RemoveLink(Host, Bridge));
            return Stack.Events.TryRead(out var said) ? said : null;
        }, said => said?.Contains("changed", StringComparison.Ordinal) ?? false);
    }

    /// <summary>A switch as it is on a host, with a card on it and its namespace.</summary>
    protected static NetworkState Sample()
    {
        var host = new NamespaceState
        {
            Links = NetworkState.Empty[Host].Links
                .Add("wire0", Up("wire0") with { Mtu = 1600 })
                .Add(Bridge, NewBridge(mtu: 1400))
                .Add(Tap, NewTap())
                .Add(Tunnel, NewTunnel())
                .Add(Cable, new Link
                {
                    Name = Cable,
                    Kind = LinkKind.Veth,
                    Alias = "ponycloud service",
                    Mtu = 1400,
                    IsUp = true,
                    Master = Bridge,
                    Veth = new VethSettings(Space, "guests"),
                    Port = new BridgePortSettings(Learns: false, Floods: true, SuppressesNeighbours: false),
                }),
            Addresses = [new LinkAddress("wire0", "192.0.2.1/24")],
            Routes = [new Route("203.0.113.0/24", IsIpv6: false, "192.0.2.254", "wire0"), new Route("default", IsIpv6: false, "192.0.2.254", "wire0", Table: 100)],
            Rules = [new RoutingRule(IsIpv6: false, Cable, 100)],
            Neighbours = [new Neighbour(Bridge, "10.0.0.7", "02:00:00:00:00:77"), new Neighbour(Bridge, "fd00::7", "02:00:00:00:00:77")],
            Forwardings =
            [
                new Forwarding(Tunnel, "02:00:00:00:00:77", "192.0.2.2"), new Forwarding(Tunnel, "02:00:00:00:00:77"), new Forwarding(Tap, "02:00:00:00:00:78"),
                new Forwarding(Cable, "02:00:00:00:00:0a"),
            ],
        };
        var guests = new Link
        {
            Name = "guests",
            Kind = LinkKind.Veth,
            Alias = "ponycloud guests",
            HardwareAddress = "02:00:00:00:00:0a",
            Mtu = 1400,
            IsUp = true,
            Veth = new VethSettings(Host, Cable),
        };
        var space = new NamespaceState
        {
            Links = NetworkState.Empty[Host].Links.Add("lo", Up("lo", LinkKind.Other)).Add("guests", guests),
            Addresses = [new LinkAddress("guests", "10.0.0.1/24"), new LinkAddress("guests", "fd00::1/64")],
            Routes = [new Route("default", IsIpv6: false, "10.0.0.254", "guests")],
            Sysctls = NetworkState.Empty[Host].Sysctls.Add("net.ipv4.ip_forward", "1"),
        };
        return NetworkState.Empty.With(Host, host).With(Space, space);
    }
}

/// <summary>What the kernel gives by itself.</summary>
public static class KernelDefaults
{
    public static BridgePortSettings Port { get; } = new(Learns: true, Floods: true, SuppressesNeighbours: false);
}
