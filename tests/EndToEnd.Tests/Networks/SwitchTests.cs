using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Networks;

/// <summary>Tenants' switches over two hosts, with real agents and real guests.</summary>
public sealed class SwitchTests : NetworkFixture
{
    private CloudGuest _red1 = null!;
    private CloudGuest _red2 = null!;
    private CloudGuest _blue1 = null!;
    private CloudGuest _blue2 = null!;

    protected override async Task PrepareAsync()
    {
        await base.PrepareAsync();
        // The same addresses for both.
        var (red, blue) = (await TenantAsync("red"), await TenantAsync("blue"));
        var (redSwitch, blueSwitch) = (await SwitchAsync(red, "lan", "10.0.0.0/24"), await SwitchAsync(blue, "lan", "10.0.0.0/24"));
        _red1 = await GuestAsync(red, redSwitch, Hosts[0], "first");
        _blue1 = await GuestAsync(blue, blueSwitch, Hosts[0], "first");
        _red2 = await GuestAsync(red, redSwitch, Hosts[1], "second");
        _blue2 = await GuestAsync(blue, blueSwitch, Hosts[1], "second");
        await AreUpAsync(_red1, _blue1, _red2, _blue2);
    }

    [Test]
    public async Task Guests_of_a_tenant_meet_across_hosts_and_those_of_another_never()
    {
        Assert.That((_red1.Address, _red2.Address), Is.EqualTo((_blue1.Address, _blue2.Address)), "the same addresses on both switches");
        Assert.That(await _red1.ReachesAsync(_red2.Address));
        Assert.That(await _blue2.ReachesAsync(_blue1.Address));
        // Who answers says who it is.
        Assert.That(await _red1.ShellAsync($"(echo 'cat /sys/class/dmi/id/product_uuid'; echo exit) | nc {_red2.Address} 2323"), Does.Contain(_red2.Uuid.ToString()));
        Assert.That(await _blue1.ShellAsync($"(echo 'cat /sys/class/dmi/id/product_uuid'; echo exit) | nc {_blue2.Address} 2323"), Does.Contain(_blue2.Uuid.ToString()));

        // With one of them gone there is nobody at its address, though the other tenant has somebody there.
        await _blue2.Tenant.Api.ReplaceAsync(_blue2.VnicPath, "link", "down");
        await Eventually.SeesAsync("the other guest to be cut off", _ => _blue1.ReachesAsync(_blue2.Address, 1), reached => !reached);
        Assert.That(await _red1.ReachesAsync(_red2.Address));
        await _blue2.Tenant.Api.ReplaceAsync(_blue2.VnicPath, "link", "up");
        await Eventually.SeesAsync("the other guest to be back", _ => _blue1.ReachesAsync(_blue2.Address, 1), reached => reached);
    }

    [Test]
    public async Task Guests_find_each_other_by_name()
    {
        Assert.That(await _red1.ShellAsync("nslookup second.internal 2>&1"), Does.Contain(_red2.Address));
        Assert.That(await _red2.ShellAsync($"nslookup {_red1.Address} 2>&1"), Does.Contain("first.internal"));
        Assert.That(await _red1.ShellAsync("ping -c 1 -W 2 second"), Does.Contain("1 packets received"));
    }

    [Test]
    public async Task What_is_forged_is_dropped_and_counted()
    {
        var before = await SpoofedAsync(_red1);

        // Another's address.
        Assert.That(await _red1.ShellAsync($"ip addr add 10.0.0.77/24 dev eth0; ping -c 2 -W 1 -I 10.0.0.77 {_red2.Address} | tail -2; ip addr del 10.0.0.77/24 dev eth0"),
            Does.Contain("100% packet loss"));
        // The claim to be another.
        await _red1.ShellAsync($"ip addr add {_red2.Address}/32 dev eth0; arping -c 2 -w 2 -I eth0 -U {_red2.Address}; ip addr del {_red2.Address}/32 dev eth0");
        Assert.That(await _red1.ReachesAsync(_red2.Address), "the honest part still works");

        await Eventually.SeesAsync("the forged packets to be counted", _ => SpoofedAsync(_red1), now => now >= before + 4, TimeSpan.FromSeconds(90));
    }

    [Test]
    public async Task A_card_is_plugged_into_a_running_guest_and_unplugged()
    {
        var cards = $"/tenant/{_blue1.Tenant.Uuid}/instance/{_blue1.Uuid}/vnic";
        var card = await _blue1.Tenant.Api.CreateAsync(cards, new { @switch = _blue1.Switch.Uuid });
        await Eventually.SeesAsync("the guest to have it", _ => _blue1.ShellAsync("ls /sys/class/net"), links => links.Contains("eth1", StringComparison.Ordinal));
        await Eventually.SeesAsync(
            "it to be shown", _ => _blue1.Tenant.Api.GetAsync($"{cards}/{card}"), row => row.SelectToken("current.status")?.Value<string>() == "active");

        await _blue1.Tenant.Api.DeleteAsync($"{cards}/{card}");
        await Eventually.SeesAsync("the guest to let go of it", _ => _blue1.ShellAsync("ls /sys/class/net"), links => !links.Contains("eth1", StringComparison.Ordinal));
        await Eventually.SeesAsync(
            "its tap to go", _ => Hosts[0].RunAsync("ip", "-brief", "link", "show"),
            links => !links.Contains($"pct{card.ToString("N")[..12]}", StringComparison.Ordinal));
    }

    [Test]
    public async Task Neither_agent_nor_dnsmasq_are_in_the_way_of_packets()
    {
        await _red1.ShellAsync($"ping -i 0.1 -c 300 {_red2.Address} > /ping.log 2>&1 &");
        await Hosts[0].KillTwilightAsync();
        await Hosts[1].KillTwilightAsync();
        var dnsmasq = await Hosts[0].RunAsync("sh", "-c", $"ip netns pids {CloudHost.SpaceOf(_red1.Switch.Uuid)} | xargs -r ps -o pid=,comm= -p");
        foreach (var line in dnsmasq.Split('\n').Where(line => line.Contains("dnsmasq", StringComparison.Ordinal)))
            await Hosts[0].RunAsync("kill", "-KILL", line.Trim().Split(' ')[0]);
        foreach (var host in Hosts)
            host.StartTwilight();
        var log = await Eventually.SeesAsync(
            "the pings to end", async _ => await _red1.ShellAsync("cat /ping.log"), text => text.Contains("packets transmitted", StringComparison.Ordinal), TimeSpan.FromMinutes(2));
        Assert.That(log, Does.Contain("300 packets transmitted, 300 packets received"));
        await Eventually.SeesAsync(
            "DNS to be back", _ => _red1.ShellAsync("nslookup second.internal 2>&1"), text => text.Contains(_red2.Address, StringComparison.Ordinal), TimeSpan.FromMinutes(1));
    }

    private static async Task<long> SpoofedAsync(CloudGuest guest) => (await guest.CardAsync()).SelectToken("current.spoofed")?.Value<long>() ?? 0;
}
