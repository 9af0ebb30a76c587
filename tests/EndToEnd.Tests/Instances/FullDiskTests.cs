using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Migrations;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Instances;

/// <summary>The storage of a host is full: a guest that writes stands still, its owner is told why, and it goes on when there is room.</summary>
public sealed class FullDiskTests : NetworkFixture
{
    private const int Mib = 1 << 20;

    private readonly TemporaryDirectory _directory = new("full");

    protected override string KernelWords => "log count";

    protected override async Task TidyAsync()
    {
        await base.TidyAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task A_guest_whose_storage_is_full_stands_still_and_goes_on_when_there_is_room()
    {
        var (tenant, host) = (await TenantAsync("writers"), Hosts[0]);
        await Alicorn.ReplaceAsync($"/host/{Hosts[1].Uuid}", "state", "evacuated");
        await host.RunAsync("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", _directory.Path);
        var pool = await Alicorn.CreateAsync("/storage-pool", new { name = "small", type = "dir", config = new { path = _directory.Path } });
        await Alicorn.PostAsync($"/storage-pool/{pool}/host", new { desired = new { host = host.Uuid } });
        await Alicorn.PostAsync($"/tenant/{tenant.Uuid}/quota", new { desired = new { type = "storage", limit = 64, storage_pool = pool } });
        var volume = await tenant.Api.CreateAsync($"/tenant/{tenant.Uuid}/volume", new { name = "data", size = 32, storage_pool = pool });
        var instance = await tenant.Api.CreateAsync(
            $"/tenant/{tenant.Uuid}/instance", new { name = "writer", state = "running", vcpu = 1, mem = 96, stop_timeout = 0 });
        var path = $"/tenant/{tenant.Uuid}/instance/{instance}";
        await Eventually.SeesAsync(
            "the volume", _ => tenant.Api.GetAsync($"/tenant/{tenant.Uuid}/volume/{volume}"), row => row.SelectToken("current.status")?.ToString() == "ready");
        await FillAsync(host, "other", butFor: Mib / 2);
        // Memory has no direct access as disks have.
        await tenant.Api.CreateAsync($"{path}/vdisk", new { volume, cache = "writeback" });
        await using var counting = new Counting(instance, host);

        await Eventually.SeesAsync(
            "it to stand still", _ => tenant.Api.GetAsync(path),
            row => row.SelectToken("current.why")?.ToString() == "The guest is paused because the storage of one of its disks is full.", TimeSpan.FromMinutes(3));
        await Eventually.SeesAsync(
            "the event", _ => tenant.Api.GetAsync($"{path}/event"),
            rows => rows.Properties().Any(row => row.Value.SelectToken("desired.type")!.ToString() == "instance-paused-by-error"));

        await host.RunAsync("rm", Path.Combine(_directory.Path, "other"));
        await Eventually.SeesAsync(
            "it to run", _ => tenant.Api.GetAsync(path), row => row.SelectToken("current.status")?.ToString() == "running", TimeSpan.FromMinutes(3));
        var then = counting.Last;
        await Eventually.HoldsAsync("it to count on", () => counting.Last > then + 5, TimeSpan.FromMinutes(1));
        Assert.That(counting.BeganAnew, Is.False);
        await tenant.Api.DeleteAsync(path);
    }

    /// <summary>Makes a file that takes what is left, but for so many bytes.</summary>
    private Task<string> FillAsync(CloudHost host, string name, int butFor) => host.RunAsync(
        "sh", "-c", "fallocate -l $(($(df --output=avail -B1 \"$0\" | tail -n 1) - $2)) \"$0/$1\"", _directory.Path, name, $"{butFor}");
}
