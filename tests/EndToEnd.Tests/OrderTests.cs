using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>An order is obeyed whatever the state is, and the newest one counts.</summary>
public sealed class OrderTests : PlatformFixture
{
    [Test]
    public async Task An_instance_runs_pauses_goes_on_stops_starts_again_and_is_deleted()
    {
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        Assert.That(instance.GuestPid, Is.Not.Null);
        Assert.That(await File.ReadAllTextAsync(Running.ConsoleOf(instance.Uuid)), Does.Contain(RomGuest.Line));

        await instance.OrderAsync("paused");
        await instance.IsAsync("paused");
        await instance.OrderAsync("running");
        await instance.IsAsync("running");

        await instance.OrderAsync("stopped");
        await instance.IsAsync("stopped");
        Assert.That(instance.GuestPid, Is.Null);

        await instance.OrderAsync("running");
        await instance.RunsAsync();
        Assert.That(instance.GuestPid, Is.Not.Null);

        await instance.DeleteAsync();
        Assert.That(await instance.IsShownAsync(), Is.False, "a deleted instance is gone from its owner's view at once");
        await instance.HasNoDomainAsync();
    }

    [Test]
    public async Task A_stop_is_obeyed_while_the_domain_is_still_starting()
    {
        var instances = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Running.CreateAsync()));
        // Some are waiting for a place, some for their domain, some for their guest.
        await Task.WhenAll(instances.Select(instance => instance.OrderAsync("stopped")));
        foreach (var instance in instances)
        {
            // Stopped, or never begun.
            await instance.IsAsync("stopped", "unplaced", "defined");
            await Eventually.HoldsAsync("no guest", () => instance.GuestPid is null);
        }

        await Task.WhenAll(instances.Select(instance => instance.DeleteAsync()));
        foreach (var instance in instances)
        {
            await instance.HasNoDomainAsync();
        }
    }

    [Test]
    public async Task A_stop_is_obeyed_at_the_moment_the_domain_shows_up()
    {
        var instance = await Running.CreateAsync();
        await Eventually.SeesAsync("a domain", _ => instance.HasDomainAsync(), has => has);

        await instance.OrderAsync("stopped");

        await instance.IsAsync("stopped", "defined");
        await Eventually.HoldsAsync("no guest", () => instance.GuestPid is null);
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    [Test]
    public async Task A_start_withdraws_a_stop_that_never_began()
    {
        var instance = await Running.CreateAsync("stopped");
        await instance.OrderAsync("running");
        await instance.OrderAsync("stopped");
        await instance.OrderAsync("running");

        await instance.RunsAsync();
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    [Test]
    public async Task A_delete_right_after_a_create_leaves_no_domain()
    {
        var instance = await Running.CreateAsync();
        await instance.DeleteAsync();

        Assert.That(await instance.IsShownAsync(), Is.False);
        // Another one that comes later and runs: by then the host has seen both orders about the first.
        var later = await Running.CreateAsync();
        await later.RunsAsync();
        await instance.HasNoDomainAsync();
        await later.DeleteAsync();
    }

    [Test]
    public async Task A_domain_that_is_not_theRunnings_is_reported_and_left_alone()
    {
        var uuid = Guid.NewGuid();
        using var directory = new TemporaryDirectory();
        RomGuest.Write(directory["foreign.rom"]);
        await File.WriteAllTextAsync(directory["foreign.xml"], $"""
            <domain type='qemu'>
              <name>foreign</name>
              <uuid>{uuid}</uuid>
              <memory unit='MiB'>16</memory>
              <os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom' readonly='yes'>{directory["foreign.rom"]}</loader></os>
              <devices><controller type='usb' model='none'/><memballoon model='none'/></devices>
            </domain>
            """);
        await Running.Libvirtd.VirshAsync("create", directory["foreign.xml"]);
        var pid = Running.Libvirtd.GuestPid(uuid);

        var host = await Eventually.SeesAsync(
            "the foreign domain in the host's report", _ => Running.Alicorn.GetAsync($"/host/{Running.Host}"), Mentions);

        // A whole life of an instance beside it.
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();

        Assert.That(host.SelectToken("current.foreign_domains")!.ToString(), Does.Contain("foreign"));
        Assert.That(Running.Libvirtd.GuestPid(uuid), Is.EqualTo(pid).And.Not.Null);
        await Running.Libvirtd.VirshAsync("destroy", "foreign");

        bool Mentions(JObject row) =>
            row.SelectToken("current.foreign_domains")?.ToString().Contains(uuid.ToString(), StringComparison.Ordinal) ?? false;
    }
}
