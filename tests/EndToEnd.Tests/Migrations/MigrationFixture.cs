using Newtonsoft.Json.Linq;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Migrations;

/// <summary>Two hosts with agents and libvirt daemons of their own, and guests that count on their consoles.</summary>
public abstract class MigrationFixture : NetworkFixture
{
    protected static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    protected override string KernelWords => "count";

    protected CloudTenant Tenant { get; private set; } = null!;

    protected override async Task PrepareAsync()
    {
        await base.PrepareAsync();
        Tenant = await TenantAsync("movers");
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

    /// <summary>Only this host takes new instances.</summary>
    private async Task OnlyAsync(CloudHost on)
    {
        foreach (var host in Hosts)
            await Alicorn.ReplaceAsync($"/host/{host.Uuid}", "state", host == on ? "present" : "evacuated");
    }
}
