using Newtonsoft.Json.Linq;
using NUnit.Framework;
using NUnit.Framework.Interfaces;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Motto;

/// <summary>
/// One controller, two hosts, and the two things that happen to hosts: the cable to the controller is pulled, and the power goes.
/// </summary>
[NonParallelizable]
public abstract class MottoFixture : NetworkFixture
{
    protected CloudTenant Tenant { get; private set; } = null!;

    // Whether a guest is there is all that is asked about it.
    protected override string? KernelWords => null;

    /// <summary>The host that stays well.</summary>
    protected CloudHost Well => Hosts[0];

    /// <summary>The host to which everything happens.</summary>
    protected CloudHost Ill => Hosts[1];

    [TearDown]
    public async Task CountAsync()
    {
        if (TestContext.CurrentContext.Test.Properties.Get(BehaviourAttribute.Name) is int behaviour
            && TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Passed)
        {
            MottoCount.Add(behaviour);
        }
        await HealAsync();
    }

    // Nearly every test waits until a host is given up for silent.
    protected override async Task<PlatformSettings> SettingsAsync() => (await base.SettingsAsync()) with { KeepAlive = "1" };

    protected override async Task PrepareAsync()
    {
        await base.PrepareAsync();
        Tenant = await TenantAsync("motto");
    }

    /// <summary>Both hosts are as at first, and the tenant has nothing.</summary>
    private async Task HealAsync()
    {
        await MendAsync(Ill);
        if (!Ill.HasTwilight)
            Ill.StartTwilight();
        foreach (var host in Hosts)
        {
            await WrittenAsync(() => Alicorn.TryReplaceAsync($"/host/{host.Uuid}", "state", "present"));
            await IsAsync(host, "present");
        }
        foreach (var kind in new[] { "instance", "volume", "image" })
        {
            foreach (var row in (await Tenant.Api.GetAsync($"/tenant/{Tenant.Uuid}/{kind}")).Properties())
                await WrittenAsync(() => Tenant.Api.SendAsync(HttpMethod.Delete, $"/tenant/{Tenant.Uuid}/{kind}/{row.Name}"));
        }
        foreach (var host in Hosts)
            await Eventually.SeesAsync($"host {host.Number} to be empty", _ => host.DomainsAsync(), domains => domains.Count == 0);
    }

    // After a test that took it away the database is not there at once.
    private static Task<ApiAnswer> WrittenAsync(Func<Task<ApiAnswer>> write) => Eventually.SeesAsync(
        "a write to be taken", _ => write(), answer => (int)answer.Status is 200 or 204);

    /// <summary>Pulls the cable between a host and the controller; its guests run on.</summary>
    protected Task CutAsync(CloudHost host) => Site.RunAsync("ip", "link", "set", $"{Core}{host.Number}", "down");

    protected Task MendAsync(CloudHost host) => Site.RunAsync("ip", "link", "set", $"{Core}{host.Number}", "up");

    protected Task<JObject> IsAsync(CloudHost host, string status) => Eventually.SeesAsync(
        $"host {host.Number} to be {status}", _ => Alicorn.GetAsync($"/host/{host.Uuid}"),
        row => row.SelectToken("current.status")?.Value<string>() == status);

    /// <summary>Makes an instance that is to run on the host, and waits until it does.</summary>
    protected async Task<MottoGuest> RunAsync(CloudHost on, string name)
    {
        var other = on == Well ? Ill : Well;
        await Alicorn.ReplaceAsync($"/host/{other.Uuid}", "state", "evacuated");
        var guest = await OrderAsync(name);
        await guest.RunsOnAsync(on);
        await Alicorn.ReplaceAsync($"/host/{other.Uuid}", "state", "present");
        return guest;
    }

    /// <summary>Orders an instance that is to run wherever there is room.</summary>
    protected async Task<MottoGuest> OrderAsync(string name, string state = "running") => new(
        Tenant, await Tenant.Api.CreateAsync($"/tenant/{Tenant.Uuid}/instance", new { name, state, vcpu = 1, mem = 96, stop_timeout = 0 }));

    /// <summary>A directory of the host as a pool in which the tenant may have volumes.</summary>
    protected async Task<Guid> PoolAsync(CloudHost host, string path)
    {
        var pool = await Alicorn.CreateAsync("/storage-pool", new { name = $"pool-{Guid.NewGuid():N}"[..16], type = "dir", config = new { path } });
        await Alicorn.PostAsync($"/storage-pool/{pool}/host", new { desired = new { host = host.Uuid } });
        await Alicorn.PostAsync($"/tenant/{Tenant.Uuid}/quota", new { desired = new { type = "storage", limit = 1024, storage_pool = pool } });
        await Eventually.SeesAsync(
            "the pool to be ready", _ => Alicorn.SendAsync(HttpMethod.Get, $"/host/{host.Uuid}/storage-pool/{pool}"),
            answer => (int)answer.Status == 200 && answer.Body.SelectToken("current.status")?.Value<string>() == "ready");
        return pool;
    }

    /// <summary>Makes a volume and waits until it is ready.</summary>
    protected async Task<string> VolumeAsync(Guid pool)
    {
        var volume = await Tenant.Api.CreateAsync(
            $"/tenant/{Tenant.Uuid}/volume", new { name = "disk", size = 8, storage_pool = pool });
        var path = $"/tenant/{Tenant.Uuid}/volume/{volume}";
        await Eventually.SeesAsync(
            "the volume to be ready", _ => Tenant.Api.GetAsync(path), row => row.SelectToken("current.status")?.Value<string>() == "ready");
        return path;
    }

    /// <summary>How much of something the tenant has.</summary>
    protected async Task<long> UsedAsync(string type) => (await Tenant.Api.GetAsync($"/tenant/{Tenant.Uuid}/quota")).Properties()
        .Select(row => row.Value).Where(row => row.SelectToken("desired.type")!.Value<string>() == type)
        .Sum(row => row.SelectToken("current.used")!.Value<long>());
}
