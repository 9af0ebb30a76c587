using Newtonsoft.Json.Linq;
using NUnit.Framework;
using NUnit.Framework.Interfaces;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Networks;

/// <summary>
/// Two hosts on a physical network, as <see cref="CloudSite"/> has it. Guests are a Debian kernel with busybox that ask for their addresses,
/// and give tests a shell.
/// </summary>
public abstract class NetworkFixture : PlatformFixture
{
    protected const string Core = CloudSite.Core;

    private const int Explained = 60;

    private NetworkNamespace? _site;

    protected NetworkNamespace Site => _site!;

    protected CloudHost[] Hosts { get; } = new CloudHost[2];

    /// <summary>What else is said to the kernels of guests; null for guests that are a ROM, where nobody asks them anything.</summary>
    protected virtual string? KernelWords => "";

    protected ApiClient Alicorn => Running.Alicorn;

    protected override async Task<PlatformSettings> SettingsAsync()
    {
        _site = await CloudSite.LayAsync();
        return CloudSite.On(_site, await base.SettingsAsync());
    }

    protected override async Task PrepareAsync()
    {
        for (var i = 0; i < Hosts.Length; i++)
            Hosts[i] = await CloudSite.JoinAsync(Running, Site, i + 1, KernelWords);
        foreach (var host in Hosts)
            await CloudSite.IsUsableAsync(Running, host);
    }

    protected override async Task TidyAsync()
    {
        foreach (var host in Hosts.Where(host => host is not null))
            await host.DisposeAsync();
        if (_site is not null)
            await _site.DisposeAsync();
    }

    [TearDown]
    public async Task ExplainHostsAsync()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status != TestStatus.Failed)
            return;
        foreach (var host in Hosts.Where(host => host is not null))
            TestContext.Out.WriteLine(await host.ExplainAsync(Explained));
    }

    /// <summary>A tenant of its own, as its owner.</summary>
    protected async Task<CloudTenant> TenantAsync(string name)
    {
        var uuid = await Alicorn.CreateAsync("/tenant", new { name, approved = true });
        return new CloudTenant(uuid, await Alicorn.ForTenantAsync(uuid));
    }

    /// <summary>Makes an instance with a card on the switch, on the one host that takes any.</summary>
    protected async Task<CloudGuest> GuestAsync(CloudTenant tenant, CloudSwitch on, CloudHost host, string name)
    {
        foreach (var other in Hosts)
            await Alicorn.ReplaceAsync($"/host/{other.Uuid}", "state", other == host ? "present" : "evacuated");
        var answer = await tenant.Api.PostAsync($"/tenant/{tenant.Uuid}/instance", new
        {
            desired = new { name, state = "running", vcpu = 1, mem = 96 },
            children = new
            {
                vnic = new Dictionary<string, object>
                {
                    ["$card"] = new
                    {
                        desired = new { @switch = on.Uuid },
                        children = new { address = new Dictionary<string, object> { ["$ip"] = new { desired = new { network = on.Network } } } },
                    },
                },
            },
        });
        var uuids = answer.Body["uuids"]!;
        var uuid = Guid.Parse(uuids.Value<string>("POST")!);
        var card = Guid.Parse(uuids.Value<string>("$card")!);
        var address = (await tenant.Api.GetAsync($"/tenant/{tenant.Uuid}/instance/{uuid}/vnic/{card}/address/{uuids.Value<string>("$ip")}"))
            .SelectToken("desired.ip")!.Value<string>()!;
        return new CloudGuest(tenant, on, host, uuid, card, address);
    }

    /// <summary>A switch with one network on which the platform answers DHCP.</summary>
    protected static async Task<CloudSwitch> SwitchAsync(CloudTenant tenant, string name, string range, string? gateway = null)
    {
        var uuid = await tenant.Api.CreateAsync($"/tenant/{tenant.Uuid}/switch", new { name });
        var network = await tenant.Api.CreateAsync(
            $"/tenant/{tenant.Uuid}/switch/{uuid}/network", new { range, dhcp = true, gateway, routed = gateway is not null });
        return new CloudSwitch(uuid, network);
    }

    /// <summary>Waits until the guests have their addresses.</summary>
    protected static async Task AreUpAsync(params CloudGuest[] guests)
    {
        foreach (var guest in guests)
        {
            await Eventually.SeesAsync(
                $"guest {guest.Uuid} to have its address {guest.Address}",
                _ => Task.FromResult(guest.Host.Console(guest.Uuid)),
                console => console.Contains($" has {guest.Address}/", StringComparison.Ordinal),
                TimeSpan.FromMinutes(2));
        }
    }
}

public sealed record CloudTenant(Guid Uuid, ApiClient Api);

public sealed record CloudSwitch(Guid Uuid, Guid Network);

/// <summary>A guest with one card.</summary>
public sealed record CloudGuest(CloudTenant Tenant, CloudSwitch Switch, CloudHost Host, Guid Uuid, Guid Vnic, string Address)
{
    public string VnicPath => $"/tenant/{Tenant.Uuid}/instance/{Uuid}/vnic/{Vnic}";

    /// <summary>Runs a line in its shell.</summary>
    public Task<string> ShellAsync(string line) => Host.ShellAsync(Switch.Uuid, Address, line);

    /// <summary>Whether it is answered when it pings.</summary>
    public async Task<bool> ReachesAsync(string address, int count = 3) =>
        (await ShellAsync($"ping -c {count} -W 2 {address} >/dev/null 2>&1 && echo reached || echo missed")).Contains("reached", StringComparison.Ordinal);

    public Task<JObject> CardAsync() => Tenant.Api.GetAsync(VnicPath);
}
