using System.Globalization;
using Newtonsoft.Json.Linq;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Faults;

/// <summary>A platform whose daemons soon notice that they do not hear each other.</summary>
public abstract class FaultFixture : PlatformFixture
{
    protected override Task<PlatformSettings> SettingsAsync() => Task.FromResult(new PlatformSettings { KeepAlive = "1" });

    /// <summary>Makes an instance and waits until it runs.</summary>
    /// <returns>It, and the process of its guest.</returns>
    protected async Task<(RunningInstance Instance, int Pid)> RunAsync()
    {
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        return (instance, instance.GuestPid!.Value);
    }

    protected static async Task DeleteAsync(params RunningInstance[] instances)
    {
        foreach (var instance in instances)
            await instance.DeleteAsync();
        foreach (var instance in instances)
            await instance.HasNoDomainAsync();
    }

    /// <summary>Waits until a host is shown as this.</summary>
    protected Task<JObject> HostIsAsync(string status, Guid? host = null) => Eventually.SeesAsync(
        $"the host to be {status}",
        _ => Running.Alicorn.GetAsync($"/host/{host ?? Running.Host}"),
        row => row.SelectToken("current.status")?.Value<string>() == status);

    /// <summary>How often such a thing happened on a host.</summary>
    protected async Task<long> EventsAsync(string type, Guid? host = null) =>
        (await Running.Alicorn.GetAsync($"/host/{host ?? Running.Host}/event")).Properties()
            .Select(row => row.Value["desired"]!)
            .Where(row => row.Value<string>("type") == type)
            .Sum(row => row.Value<long>("count"));

    /// <summary>Runs SQL that answers with one number.</summary>
    protected async Task<long> NumberAsync(string sql) =>
        long.Parse(await Running.PsqlAsync($"\\pset tuples_only\n{sql}"), CultureInfo.InvariantCulture);

    /// <summary>The number of the controller's reign.</summary>
    protected Task<long> EpochAsync() => NumberAsync("SELECT epoch FROM controller;");

    /// <summary>What a host reported of itself, without what changes by itself.</summary>
    protected static string ReportOf(JObject host)
    {
        var current = (JObject)host["current"]!.DeepClone();
        foreach (var name in new[] { "status", "last_seen", "memory_free" })
            current.Remove(name);
        return current.ToString();
    }

    /// <summary>The ports from which hosts are connected to Sparkle, as the kernel sees it.</summary>
    protected IReadOnlyList<int> Connections() =>
    [
        // The table of the namespace that Sparkle runs in; 01 is an established connection.
        .. File.ReadLines($"/proc/{Running.Sparkle.Id}/net/tcp").Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields[3] == "01" && PortOf(fields[1]) == Running.MessagingPort)
            .Select(fields => PortOf(fields[2])),
    ];

    private static int PortOf(string address) => int.Parse(address.Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
