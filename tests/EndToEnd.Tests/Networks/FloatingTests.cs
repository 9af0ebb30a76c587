using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Networks;

/// <summary>The way of guests to the world, and back: a gateway on every host, and addresses that float between guests.</summary>
public sealed class FloatingTests : NetworkFixture
{
    private const string Floating = "203.0.113.100";

    private CloudGuest _first = null!;
    private CloudGuest _second = null!;
    private string _address = "";

    protected override async Task PrepareAsync()
    {
        await base.PrepareAsync();
        var outside = await Alicorn.CreateAsync("/switch", new { name = "outside", type = "bridge" });
        var world = await Alicorn.CreateAsync($"/switch/{outside}/network", new { range = "203.0.113.0/24", gateway = CloudSite.WorldAddress, floating = true });
        var tenant = await TenantAsync("green");
        var lan = await SwitchAsync(tenant, "lan", "10.0.0.0/24", "10.0.0.1");
        _first = await GuestAsync(tenant, lan, Hosts[0], "first");
        _second = await GuestAsync(tenant, lan, Hosts[1], "second");
        await AreUpAsync(_first, _second);
        _address = $"/switch/{outside}/network/{world}/address/"
            + await Alicorn.CreateAsync($"/switch/{outside}/network/{world}/address", new { ip = Floating, vnic = _first.Vnic });
    }

    [Test]
    public async Task A_guest_reaches_the_world_by_its_host_and_its_host_by_no_way()
    {
        Assert.That(await _second.ReachesAsync(CloudSite.WorldAddress));
        Assert.That(await _second.ReachesAsync(_first.Address), "and its neighbour still");
        Assert.That(await _second.ReachesAsync(Hosts[1].Address, 1), Is.False, "the host's own address among hosts");
        Assert.That(await _second.ReachesAsync(Hosts[0].Address, 1), Is.False, "and that of another");
    }

    [Test]
    public async Task A_floating_address_is_the_guest_s_that_has_it_at_once()
    {
        await Eventually.SeesAsync("the first guest to answer", _ => WhoAsync(), who => who.Contains(_first.Uuid.ToString(), StringComparison.Ordinal));

        var watch = Stopwatch.StartNew();
        await Alicorn.ReplaceAsync(_address, "vnic", _second.Vnic);
        await Eventually.SeesAsync("the second guest to answer", _ => WhoAsync(), who => who.Contains(_second.Uuid.ToString(), StringComparison.Ordinal));
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"A moved floating address answered after {watch.ElapsedMilliseconds} ms."));

        await Alicorn.DeleteAsync(_address);
        await Eventually.SeesAsync("nobody to answer", _ => WhoAsync(), who => who.Length == 0);
    }

    /// <summary>Who answers outside: its uuid, or nothing.</summary>
    private Task<string> WhoAsync() => Site.RunAsync(
        "sh", "-c", $"(echo 'cat /sys/class/dmi/id/product_uuid'; echo exit) | timeout 2 busybox nc -w 1 {Floating} 2323 2>/dev/null || true");
}
