using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Tests.Networks.Routing;

/// <summary>What is laid out, in a real kernel: guests, hosts and the world in namespaces.</summary>
public sealed class RoutingTests
{
    private const string Floating = "203.0.113.100";
    private const string OtherFloating = "203.0.113.101";

    private static readonly Guid Red = Guid.Parse("51000000-0000-4000-8000-0000000000a1");
    private static readonly Guid Blue = Guid.Parse("52000000-0000-4000-8000-0000000000b2");
    private static readonly NetworkDesired RedNetwork = Network(Red, 1, "10.0.0.0/24", "10.0.0.254");
    private static readonly NetworkDesired BlueNetwork = Network(Blue, 2, "10.0.0.0/24", "10.0.0.254");

    private OutsideWorld _outside = null!;
    private RoutedHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _outside = await OutsideWorld.StartAsync();
        _host = await RoutedHost.StartAsync(_outside, "a", 10);
        await _host.AddSwitchAsync(Red, RedNetwork);
        await _host.AddGuestAsync("web", Red, "10.0.0.1/24", "10.0.0.254");
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _host.DisposeAsync();
        await _outside.DisposeAsync();
    }

    [Test]
    public async Task A_guest_reaches_the_world_as_its_host()
    {
        await ApplyAsync(Routed(Red, RedNetwork));

        Assert.That(await _host.AskFromAsync("web", OutsideWorld.Somebody), Is.EqualTo("somebody sees 203.0.113.10"));
        Assert.That(await _host.AskFromAsync("web", OutsideWorld.Router), Is.EqualTo("router sees 203.0.113.10"));
    }

    [Test]
    public async Task A_floating_address_leads_to_its_card_and_out_again()
    {
        await ApplyAsync(Routed(Red, RedNetwork, new FloatingAddress(Floating, "10.0.0.1"), new FloatingAddress(OtherFloating, "10.0.0.1")));

        Assert.That(await _outside.AskAsync(Floating), Is.EqualTo("web sees 203.0.113.1"));
        Assert.That(await _outside.AskAsync(OtherFloating), Is.EqualTo("web sees 203.0.113.1"));
        Assert.That(await _host.AskFromAsync("web", OutsideWorld.Somebody), Is.EqualTo($"somebody sees {Floating}"));
    }

    [Test]
    public async Task A_guest_reaches_neither_its_host_nor_what_that_reaches_elsewhere()
    {
        await using var server = await WhoAmI.ServeAsync(_host.Space, "host");
        await ApplyAsync(Routed(Red, RedNetwork, new FloatingAddress(Floating, "10.0.0.1")));
        var pair = UplinkPairs.Of([Red])[Red];
        Assert.That(await WhoAmI.AskAsync(_host.Space, "10.250.10.1"), Does.StartWith("managers sees"), "the host does");
        Assert.That(await _outside.AskAsync("203.0.113.10"), Does.StartWith("host sees"), "it would answer");

        foreach (var address in new[] { "203.0.113.10", "10.250.10.2", "10.250.10.1", pair.Host })
            Assert.That(await _host.AskFromAsync("web", address), Is.EqualTo("nothing"), address);
    }

    [Test]
    public async Task Nobody_outside_reaches_guests_or_managers_through_the_host()
    {
        await _outside.Space.RunAsync("ip", "route", "add", "10.0.0.0/24", "via", "203.0.113.10");
        await _outside.Space.RunAsync("ip", "route", "add", "10.250.10.0/30", "via", "203.0.113.10");
        await _outside.Space.RunAsync("ip", "route", "add", "169.254.0.0/16", "via", "203.0.113.10");
        await _outside.Managers.RunAsync("ip", "route", "add", "203.0.113.0/24", "via", "10.250.10.2");
        await _host.Space.RunAsync("sysctl", "-q", "-w", "net.ipv4.conf.puba.forwarding=1", "net.ipv4.conf.mgmta.forwarding=1");
        Assert.That(await _outside.AskAsync("10.250.10.1"), Is.EqualTo("managers sees 203.0.113.1"), "the host would forward it");
        await ApplyAsync(Routed(Red, RedNetwork));

        foreach (var address in new[] { "10.0.0.1", "10.250.10.1", UplinkPairs.Of([Red])[Red].Inside })
            Assert.That(await _outside.AskAsync(address), Is.EqualTo("nothing"), address);
    }

    [Test]
    public async Task Two_switches_with_the_same_range_leave_at_once_and_meet_outside_only()
    {
        await AddBlueAsync();
        await ApplyAsync(Routed(Red, RedNetwork), Routed(Blue, BlueNetwork, new FloatingAddress(Floating, "10.0.0.1")));

        Assert.That(await _host.AskFromAsync("web", OutsideWorld.Somebody), Is.EqualTo("somebody sees 203.0.113.10"));
        Assert.That(await _host.AskFromAsync("db", OutsideWorld.Somebody), Is.EqualTo($"somebody sees {Floating}"));
        Assert.That(await _host.AskFromAsync("web", Floating), Is.EqualTo($"db sees {UplinkPairs.Of([Red, Blue])[Red].Inside}"));
        Assert.That(await _host.AskFromAsync("web", UplinkPairs.Of([Red, Blue])[Blue].Inside), Is.EqualTo("nothing"));
    }

    [Test]
    public async Task A_neighbour_on_the_switch_is_reached_by_its_floating_address_too()
    {
        await _host.AddGuestAsync("db", Red, "10.0.0.2/24", "10.0.0.254");
        await ApplyAsync(Routed(Red, RedNetwork, new FloatingAddress(Floating, "10.0.0.2")));

        Assert.That(await _host.AskFromAsync("web", Floating), Is.EqualTo("db sees 10.0.0.254"));
    }

    [Test]
    public async Task Without_a_way_out_guests_of_networks_of_the_switch_reach_each_other()
    {
        var green = Guid.Parse("53000000-0000-4000-8000-0000000000c3");
        var first = Network(green, 3, "10.1.0.0/24", "10.1.0.254");
        var second = Network(green, 4, "10.2.0.0/24", "10.2.0.254");
        var six = Network(green, 5, "fd00:5::/64", "fd00:5::ff");
        await _host.AddSwitchAsync(green, first, second, six);
        await _host.AddGuestAsync("one", green, "10.1.0.1/24", "10.1.0.254");
        await _host.AddGuestAsync("two", green, "10.2.0.2/24", "10.2.0.254");
        var layout = RoutingLayout.Of([RoutedSwitch.Of(green, [first, second, six], [], [])], world: null);
        var report = await _host.ApplyAsync(layout);

        Assert.That((report.Problems.Count, report.World), Is.EqualTo((0, (string?)null)));
        Assert.That(layout.Problems[green][0], Does.Contain("no network role public"));
        Assert.That(await _host.AskFromAsync("one", "10.2.0.2"), Is.EqualTo("two sees 10.1.0.1"));
        Assert.That(await _host.AskFromAsync("one", OutsideWorld.Somebody), Is.EqualTo("nothing"));
    }

    [Test]
    public async Task A_floating_address_that_moves_to_another_host_is_found_there_at_once()
    {
        await using var other = await RoutedHost.StartAsync(_outside, "b", 11);
        await other.AddSwitchAsync(Red, RedNetwork);
        await other.AddGuestAsync("there", Red, "10.0.0.2/24", "10.0.0.254");
        await ApplyAsync(Routed(Red, RedNetwork, new FloatingAddress(Floating, "10.0.0.1")));
        await ApplyAsync(other, Routed(Red, RedNetwork));
        await using var follower = _outside.Follow(Floating);
        await follower.WaitForLineAsync("who answers first", line => line.StartsWith("web sees", StringComparison.Ordinal));

        await ApplyAsync(Routed(Red, RedNetwork));
        await ApplyAsync(other, Routed(Red, RedNetwork, new FloatingAddress(Floating, "10.0.0.2")));
        var moved = await EventuallyAnnouncedAsync(other, follower, "there sees");
        TestContext.Out.WriteLine($"Moved to another host: {moved}");

        // And back, while the outside has heard of the other one only just now.
        await ApplyAsync(other, Routed(Red, RedNetwork));
        await ApplyAsync(Routed(Red, RedNetwork, new FloatingAddress(Floating, "10.0.0.1")));
        TestContext.Out.WriteLine($"And back: {await EventuallyAnnouncedAsync(_host, follower, "web sees", follower.Lines.Count)}");
        Assert.That(
            follower.Lines.Select(line => line.Split(' ')[0]), Is.EqualTo(["web", "there", "web"]), "nobody else, and none of them in between");
    }

    [Test]
    public async Task Names_of_the_world_are_asked_for_there_and_those_of_the_switch_are_not()
    {
        await using var names = await _outside.ServeNamesAsync();
        using var directory = new TemporaryDirectory("names");
        File.SetUnixFileMode(directory.Path, File.GetUnixFileMode(directory.Path) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        await ApplyAsync(Routed(Red, RedNetwork));
        var services = new DnsmasqServices(
            new ServingOptions { Directory = directory["served"] }, _host.Tools, TimeProvider.System, NullLoggerFactory.Instance);
        var service = new SwitchService
        {
            Switch = Red,
            Host = Guid.NewGuid(),
            Mtu = 1450,
            Networks = [RedNetwork with { Dhcp = true, Ns = TextList.Of([OutsideWorld.Somebody]) }],
        };
        Assert.That((await services.ApplyAsync([service], CancellationToken.None)).Problems, Is.Empty);

        Assert.That(await LookUpAsync("www.example.org"), Does.Contain("192.0.2.99"));
        Assert.That(await LookUpAsync("nobody.internal"), Does.Contain("NXDOMAIN"));
        Assert.That(await LookUpAsync("10.0.0.77"), Does.Contain("NXDOMAIN"));
        Assert.That(names.Lines, Has.Some.Contains("www.example.org").And.None.Contains("internal").And.None.Contains("in-addr.arpa"));
        await services.ApplyAsync([], CancellationToken.None);
    }

    [Test]
    public async Task Rules_that_cannot_be_set_are_tried_again_later_and_others_go_on()
    {
        var time = new ManualTime();
        _host.Make(time);
        await AddBlueAsync();
        await ApplyAsync(Routed(Red, RedNetwork), Routed(Blue, BlueNetwork, new FloatingAddress(Floating, "10.0.0.1")));
        var orders = RoutingLayout.Of([Routed(Red, RedNetwork), Routed(Blue, BlueNetwork, new FloatingAddress(Floating, "10.0.0.1"))], _host.World).Orders;
        var wrong = orders with { NamespaceRules = orders.NamespaceRules.SetItem(Red, "table inet ponycloud { no such thing }\n") };
        var report = await _host.Routers.ApplyAsync(wrong, CancellationToken.None);
        Assert.That((report.Problems.Keys.Single(), report.World), Is.EqualTo((Red, (string?)null)));
        Assert.That(await _outside.AskAsync(Floating), Does.StartWith("db sees"));
        Assert.That(await _host.AskFromAsync("web", OutsideWorld.Somebody), Is.EqualTo("somebody sees 203.0.113.10"), "what was there goes on");

        report = await _host.Routers.ApplyAsync(orders, CancellationToken.None);
        Assert.That(report.Problems, Is.Empty, "another order is another chance, at once");
    }

    [Test]
    public async Task What_is_withdrawn_is_answered_no_more_and_what_others_made_stays()
    {
        await _host.Space.RunAsync("ip", "neighbour", "add", "proxy", "203.0.113.200", "dev", "puba");
        await ApplyAsync(Routed(Red, RedNetwork, new FloatingAddress(Floating, "10.0.0.1")));
        Assert.That(await ProxiesAsync(), Does.Contain(Floating).And.Contain("203.0.113.200"));
        var report = await _host.ApplyAsync(RoutingLayout.Of([], _host.World));

        Assert.That(report.LookAgain, Is.Null);
        Assert.That(await ProxiesAsync(), Does.Not.Contain(Floating).And.Contain("203.0.113.200"));
        Assert.That(await _host.Space.ShowFilterAsync(), Does.Not.Contain(RoutingRules.HostTable));
    }

    [Test]
    public async Task Rules_that_somebody_took_away_come_back()
    {
        var time = new ManualTime();
        _host.Make(time);
        await ApplyAsync(Routed(Red, RedNetwork));
        await _host.Space.RunAsync("nft", "delete", "table", "inet", RoutingRules.HostTable);
        time.Advance(TimeSpan.FromMinutes(1));
        await _host.ApplyAgainAsync();

        Assert.That(await _host.Space.ShowFilterAsync(), Does.Contain(RoutingRules.HostTable));
    }

    [Test]
    public async Task The_next_agent_finds_what_one_before_it_made()
    {
        await ApplyAsync(Routed(Red, RedNetwork, new FloatingAddress(Floating, "10.0.0.1")));
        _host.Make(TimeProvider.System);
        var report = await _host.ApplyAgainAsync();

        Assert.That((report.Problems.Count, report.World), Is.EqualTo((0, (string?)null)));
        Assert.That(await _outside.AskAsync(Floating), Is.EqualTo("web sees 203.0.113.1"));
    }

    [Test]
    public async Task A_switch_whose_namespace_is_missing_is_named()
    {
        var report = await _host.Routers.ApplyAsync(
            RoutingLayout.Of([Routed(Blue, BlueNetwork)], _host.World).Orders, CancellationToken.None);

        Assert.That(report.Problems[Blue], Does.Contain(LinkNames.Namespace(Blue)));
        Assert.That(report.LookAgain, Is.Not.Null);
    }

    private Task<string> LookUpAsync(string question) => _host.Space.RunAsync(
        "ip", "netns", "exec", "web", "sh", "-c", $"timeout 10 busybox nslookup {question} 10.0.0.254 2>&1 || true");

    private async Task AddBlueAsync()
    {
        await _host.AddSwitchAsync(Blue, BlueNetwork);
        await _host.AddGuestAsync("db", Blue, "10.0.0.1/24", "10.0.0.254");
    }

    private Task ApplyAsync(params RoutedSwitch[] switches) => ApplyAsync(_host, switches);

    private static async Task ApplyAsync(RoutedHost host, params RoutedSwitch[] switches)
    {
        var layout = RoutingLayout.Of(switches, host.World);
        var report = await host.ApplyAsync(layout);
        Assert.That((report.Problems.Count, report.World), Is.EqualTo((0, (string?)null)));
        Assert.That(report.LookAgain, Is.Not.Null);
    }

    /// <summary>Waits until somebody else answers; meanwhile the host is called again, as its loop would do.</summary>
    private static Task<string> EventuallyAnnouncedAsync(RoutedHost host, ChildProcess follower, string who, int seen = 0) => Eventually.SeesAsync(
        "another answer",
        async _ =>
        {
            await host.ApplyAgainAsync();
            return follower.Lines.Skip(seen).LastOrDefault(line => line.StartsWith(who, StringComparison.Ordinal)) ?? "";
        },
        line => line.Length > 0);

    private Task<string> ProxiesAsync() => _host.Space.RunAsync("ip", "neighbour", "show", "proxy");

    private static RoutedSwitch Routed(Guid @switch, NetworkDesired network, params FloatingAddress[] floating) =>
        RoutedSwitch.Of(@switch, [network], [], []) with { Floating = [.. floating] };

    private static NetworkDesired Network(Guid @switch, int number, string range, string gateway) => new()
    {
        Uuid = Guid.Parse($"4e000000-0000-4000-8000-0000000000{number:x2}"),
        Switch = @switch,
        Range = range,
        Gateway = gateway,
        Routed = true,
    };
}
