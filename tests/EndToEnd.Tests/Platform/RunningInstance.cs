using System.Net;
using Newtonsoft.Json.Linq;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Platform;

/// <summary>An instance as its owner sees it, and as the host really has it.</summary>
public sealed class RunningInstance(RunningPlatform platform, Guid uuid)
{
    public Guid Uuid { get; } = uuid;

    public string Path => $"/tenant/{platform.Tenant}/instance/{Uuid}";

    /// <summary>The process of its guest; null when there is none.</summary>
    public int? GuestPid => platform.Libvirtd.GuestPid(Uuid);

    /// <summary>How many times its guest booted since the console was last opened anew.</summary>
    public int Boots => File.Exists(platform.ConsoleOf(Uuid))
        ? File.ReadAllText(platform.ConsoleOf(Uuid)).Split(RomGuest.Line).Length - 1
        : 0;

    public Task<JObject> GetAsync() => platform.Owner.GetAsync(Path);

    public Task OrderAsync(string state) => platform.Owner.ReplaceAsync(Path, "state", state);

    public Task DeleteAsync() => platform.Owner.DeleteAsync(Path);

    /// <summary>Waits until its current status is one of these.</summary>
    public Task<JObject> IsAsync(params string[] statuses) => Eventually.SeesAsync(
        $"instance {Uuid} to be {string.Join(" or ", statuses)}", _ => GetAsync(), row => statuses.Contains(Status(row)));

    /// <summary>Waits until it runs and its guest has booted.</summary>
    public async Task RunsAsync()
    {
        await IsAsync("running");
        await Eventually.HoldsAsync($"the guest of {Uuid} to boot", () => Boots > 0);
    }

    public async Task<bool> IsShownAsync()
    {
        var answer = await platform.Owner.SendAsync(HttpMethod.Get, Path);
        return answer.Status != HttpStatusCode.NotFound;
    }

    /// <summary>Whether libvirt has its domain, running or not.</summary>
    public async Task<bool> HasDomainAsync() =>
        (await platform.Libvirtd.VirshAsync("list", "--all", "--uuid")).Contains(Uuid.ToString(), StringComparison.Ordinal);

    /// <summary>Waits until libvirt has no domain of it, and no process is left.</summary>
    public async Task HasNoDomainAsync()
    {
        await Eventually.SeesAsync($"the domain of {Uuid} to go", _ => HasDomainAsync(), has => !has);
        await Eventually.HoldsAsync($"the guest of {Uuid} to go", () => GuestPid is null);
    }

    public static string? Status(JObject row) => row.SelectToken("current.status")?.Value<string>();
}
