using System.Net;
using System.Text;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Migrations;

/// <summary>
/// Two hosts with agents and libvirt daemons of their own, and guests that count on their consoles, and on their disk if they have one.
/// Each host has a directory for volumes that the other one does not see.
/// </summary>
public abstract class MigrationFixture : NetworkFixture
{
    protected static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    // So large are volumes, MiB, and so large is the block of a number in them, in bytes.
    private const int Size = 32;
    private const int Block = 4096;

    private readonly string _path = Path.Combine(Path.GetTempPath(), $"ponycloud-pool-{Guid.NewGuid():N}");
    private readonly Dictionary<CloudHost, string> _pools = [];
    private Guid _pool;

    protected override string KernelWords => "log count";

    protected CloudTenant Tenant { get; private set; } = null!;

    private string Volumes => $"/tenant/{Tenant.Uuid}/volume";

    protected override async Task PrepareAsync()
    {
        await base.PrepareAsync();
        Tenant = await TenantAsync("movers");
        Directory.CreateDirectory(_path);
        _pool = await Alicorn.CreateAsync("/storage-pool", new { name = "local", type = "dir", config = new { path = _path } });
        await Alicorn.PostAsync($"/tenant/{Tenant.Uuid}/quota", new { desired = new { type = "storage", limit = 1_000_000, storage_pool = _pool } });
        foreach (var host in Hosts)
        {
            _pools.Add(host, await host.OwnAsync(_path));
            await Alicorn.PostAsync($"/storage-pool/{_pool}/host", new { desired = new { host = host.Uuid } });
            await Eventually.SeesAsync(
                $"the pool of host {host.Number}", _ => Alicorn.GetAsync($"/host/{host.Uuid}/storage-pool/{_pool}"),
                row => row.SelectToken("current.status")?.ToString() == "ready");
        }
    }

    protected override async Task TidyAsync()
    {
        await base.TidyAsync();
        Directory.Delete(_path);
    }

    protected static string PathOf(Guid tenant, Guid instance) => $"/tenant/{tenant}/instance/{instance}";

    protected Task<JObject> RowAsync(Guid instance) => Tenant.Api.GetAsync(PathOf(Tenant.Uuid, instance));

    /// <summary>Makes an instance without anything but a console on the host.</summary>
    protected async Task<Guid> CounterAsync(CloudHost on, string name)
    {
        await OnlyAsync(on);
        var instance = await Tenant.Api.CreateAsync(
            $"/tenant/{Tenant.Uuid}/instance", new { name, state = "running", vcpu = 1, mem = 96, stop_timeout = 0 });
        await Eventually.SeesAsync(
            "the guest to run", _ => RowAsync(instance), row => row.SelectToken("current.status")?.Value<string>() == "running");
        foreach (var host in Hosts)
            await Alicorn.ReplaceAsync($"/host/{host.Uuid}", "state", "present");
        return instance;
    }

    /// <summary>Plugs a volume that is on the host into an instance; its guest writes all that it counts to it from then on.</summary>
    protected async Task<Guid> DiskAsync(Guid instance, CloudHost on)
    {
        await OnlyAsync(on);
        var volume = await Tenant.Api.CreateAsync(Volumes, new { name = $"data of {instance}"[..30], size = Size, storage_pool = _pool });
        await Eventually.SeesAsync(
            "the volume", _ => Tenant.Api.GetAsync($"{Volumes}/{volume}"), row => row.SelectToken("current.status")?.ToString() == "ready");
        foreach (var host in Hosts)
            await Alicorn.ReplaceAsync($"/host/{host.Uuid}", "state", "present");
        await Tenant.Api.CreateAsync($"{PathOf(Tenant.Uuid, instance)}/vdisk", new { volume });
        await Eventually.HoldsAsync("the guest to write", () => IsWritten(volume, on), Patience);
        return volume;
    }

    /// <summary>The files of a volume that a host has.</summary>
    protected string[] FilesOf(Guid volume, CloudHost on) => [.. Directory.GetFiles(_pools[on], $"volume-{volume}*").Select(Path.GetFileName).OfType<string>()];

    /// <summary>The numbers that are on the volume, by the API. Nothing may write to it.</summary>
    protected async Task<IReadOnlyList<int>> LoggedAsync(Guid volume)
    {
        var fetched = await Eventually.SeesAsync(
            "the content", _ => Tenant.Api.TransferAsync(HttpMethod.Get, $"{Volumes}/{volume}/content", null, new Dictionary<string, string>(), "ETag"),
            answer => answer.Status == HttpStatusCode.OK, Patience);
        return
        [
            .. Enumerable.Range(0, fetched.Content.Length / Block)
                .Where(number => Encoding.ASCII.GetString(fetched.Content, number * Block, 32).StartsWith($"count {number}\n", StringComparison.Ordinal)),
        ];
    }

    /// <summary>Cuts the power of an instance, and sees that its volume has every number that it counted since it had the volume.</summary>
    protected async Task LostNothingAsync(Guid instance, Guid volume, Counting counting)
    {
        var counted = counting.Last;
        await Tenant.Api.ReplaceAsync(PathOf(Tenant.Uuid, instance), "state", "stopped");
        await Eventually.HoldsAsync("it to stop", () => HoldersOf(instance).Length == 0, Patience);
        var logged = await LoggedAsync(volume);
        Assert.That(logged, Is.Not.Empty);
        Assert.That(logged, Is.EqualTo(Enumerable.Range(logged[0], logged.Count)), "every number is on the disk");
        Assert.That(logged[^1], Is.GreaterThanOrEqualTo(counted), "to the last that was counted");
    }

    /// <summary>Orders it to another host.</summary>
    protected Task OrderAsync(Guid instance, CloudHost to) =>
        Alicorn.PostAsync("/migration", new { desired = new { instance, destination_host = to.Uuid } });

    protected Task WithdrawAsync(Guid instance) => Alicorn.DeleteAsync($"/migration/{instance}");

    /// <summary>Waits until there is no order any more, and nothing is left of it.</summary>
    protected async Task IsSettledAsync(Guid instance)
    {
        await Eventually.SeesAsync("the order to be carried out", _ => Alicorn.GetAsync("/migration"), rows => rows[instance.ToString()] is null, Patience);
        foreach (var host in Hosts)
        {
            await Eventually.SeesAsync(
                $"host {host.Number} to be done with it", _ => Alicorn.GetAsync($"/host/{host.Uuid}/migration"),
                rows => rows[instance.ToString()] is null, Patience);
        }
    }

    /// <summary>The hosts that have a process of it.</summary>
    protected CloudHost[] HoldersOf(Guid instance) => [.. Hosts.Where(host => host.GuestPid(instance) is not null)];

    private bool IsWritten(Guid volume, CloudHost on) =>
        Directory.GetFiles(_pools[on], $"volume-{volume}*").Any(file => new FileInfo(file).Length > 1 << 20);

    /// <summary>Only this host takes new instances and volumes.</summary>
    private async Task OnlyAsync(CloudHost on)
    {
        foreach (var host in Hosts)
            await Alicorn.ReplaceAsync($"/host/{host.Uuid}", "state", host == on ? "present" : "evacuated");
    }
}
