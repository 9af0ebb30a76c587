using System.Net;
using System.Text;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Instances;

/// <summary>A volume from the order of a tenant to a disk that a guest reads and writes, while the guest runs, and back.</summary>
[NonParallelizable]
public sealed class InstanceDiskTests : PlatformFixture
{
    private const int Mib = 1 << 20;
    private const int Sectors = Mib / 512;

    private readonly TemporaryDirectory _directory = new("disks");
    private Guid _pool;

    private string Volumes => $"/tenant/{Running.Tenant}/volume";

    [Test]
    public async Task A_disk_is_plugged_into_a_running_guest_written_grown_kept_and_unplugged_and_its_content_is_read_back()
    {
        var volume = await Running.Owner.CreateAsync(Volumes, new { name = "data", size = 16, storage_pool = _pool });
        var instance = await Running.CreateAsync(mem: 96);
        await PrintsAsync(instance, "is up");

        var disk = await Running.Owner.CreateAsync($"{instance.Path}/vdisk", new { volume, iops_max = 1000 });
        await PrintsAsync(instance, $"has disk vda {disk.ToString()[..20]} of {16 * Sectors} sectors");

        await Running.Owner.ReplaceAsync($"{Volumes}/{volume}", "size", 32);
        await PrintsAsync(instance, $"of {32 * Sectors} sectors");

        var snapshot = await Running.Owner.CreateAsync($"{Volumes}/{volume}/snapshot", new { name = "while-it-runs" });
        await Eventually.SeesAsync(
            "the snapshot", _ => Running.Owner.GetAsync($"{Volumes}/{volume}/snapshot/{snapshot}"),
            row => row.SelectToken("current.status")?.Value<string>() == "ready");

        await Running.Owner.DeleteAsync($"{instance.Path}/vdisk/{disk}");
        await PrintsAsync(instance, "has lost vda");
        foreach (var mib in new[] { 1, 15, 31 })
            Assert.That(await ReadAsync(volume, mib), Does.StartWith($"written by {instance.Uuid}"), $"MiB {mib}");
        var row = await instance.IsAsync("running");
        Assert.That(row.SelectToken("current.why")?.Value<string>(), Is.Null);

        // Nobody has it any more: what was kept of it while the guest wrote is what comes back, and then it goes.
        var reverted = await Running.Owner.SendAsync(
            HttpMethod.Patch, $"{Volumes}/{volume}", new { desired = new { revert = snapshot } }, "application/merge-patch+json");
        Assert.That((int)reverted.Status, Is.InRange(200, 204), reverted.Text);
        await Eventually.SeesAsync("the revert", _ => Running.Owner.GetAsync($"{Volumes}/{volume}"), found => found.SelectToken("desired.revert") is null);
        Assert.That(await ReadAsync(volume, 31), Does.StartWith($"written by {instance.Uuid}"));
        await Running.Owner.DeleteAsync($"{Volumes}/{volume}");
        await Eventually.SeesAsync(
            "the file to go", _ => Task.FromResult(Directory.GetFiles(_directory["pool"], $"volume-{volume}*").Length), files => files == 0);
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    [OneTimeTearDown]
    public void Tidy() => _directory.Dispose();

    protected override Task<PlatformSettings> SettingsAsync() =>
        Task.FromResult(new PlatformSettings { KernelCommandLine = "console=ttyS0 quiet disks" });

    protected override async Task PrepareAsync()
    {
        _pool = await Running.Alicorn.CreateAsync(
            "/storage-pool", new { name = "local", type = "dir", config = new { path = _directory["pool"] } });
        await Running.Alicorn.PostAsync($"/storage-pool/{_pool}/host", new { desired = new { host = Running.Host } });
        await Running.Alicorn.PostAsync(
            $"/tenant/{Running.Tenant}/quota", new { desired = new { type = "storage", limit = 1_000_000, storage_pool = _pool } });
    }

    private async Task PrintsAsync(RunningInstance instance, string what)
    {
        try
        {
            await Eventually.HoldsAsync($"the guest to print: {what}", () => Console(instance).Contains(what, StringComparison.Ordinal), TimeSpan.FromMinutes(3));
        }
        catch (AssertionException)
        {
            TestContext.Out.WriteLine($"{await instance.GetAsync()}\n{Console(instance)}");
            throw;
        }
    }

    private string Console(RunningInstance instance) =>
        File.Exists(Running.ConsoleOf(instance.Uuid)) ? File.ReadAllText(Running.ConsoleOf(instance.Uuid)) : "";

    /// <summary>The beginning of a MiB of a volume, by the API.</summary>
    private async Task<string> ReadAsync(Guid volume, int mib)
    {
        var headers = new Dictionary<string, string> { ["Range"] = $"bytes={mib * Mib}-{(mib * Mib) + 99}" };
        var fetched = await Eventually.SeesAsync(
            "the content", _ => Running.Owner.TransferAsync(HttpMethod.Get, $"{Volumes}/{volume}/content", null, headers, "ETag"),
            answer => answer.Status == HttpStatusCode.PartialContent);
        return Encoding.ASCII.GetString(fetched.Content);
    }
}
