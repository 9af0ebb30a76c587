using Newtonsoft.Json.Linq;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Motto;

/// <summary>An instance as its owner sees it, and as the hosts really have it.</summary>
public sealed class MottoGuest(CloudTenant tenant, Guid uuid)
{
    public Guid Uuid => uuid;

    public string Path => $"/tenant/{tenant.Uuid}/instance/{uuid}";

    public Task<JObject> RowAsync() => tenant.Api.GetAsync(Path);

    public Task OrderAsync(string state) => tenant.Api.ReplaceAsync(Path, "state", state);

    public Task<ApiAnswer> TryOrderAsync(string state) => tenant.Api.TryReplaceAsync(Path, "state", state);

    public Task DeleteAsync() => tenant.Api.DeleteAsync(Path);

    /// <summary>Waits until it is shown so.</summary>
    public Task<JObject> IsAsync(params string[] statuses) => Eventually.SeesAsync(
        $"instance {uuid} to be {string.Join(" or ", statuses)}", _ => RowAsync(),
        row => statuses.Contains(row.SelectToken("current.status")?.Value<string>()));

    /// <summary>Waits until it is shown as running, and has a process on this host.</summary>
    /// <returns>The process.</returns>
    public async Task<int> RunsOnAsync(CloudHost host)
    {
        await IsAsync("running");
        await Eventually.HoldsAsync($"a guest of {uuid} on host {host.Number}", () => host.GuestPid(uuid) is not null);
        return host.GuestPid(uuid)!.Value;
    }

    /// <summary>Waits until no host has a process of it.</summary>
    public Task HasNoProcessAsync(params CloudHost[] hosts) => Eventually.HoldsAsync(
        $"the guest of {uuid} to go", () => Array.TrueForAll(hosts, host => host.GuestPid(uuid) is null));
}
