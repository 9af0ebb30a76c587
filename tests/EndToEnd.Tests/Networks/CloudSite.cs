using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Networks;

/// <summary>
/// Two hosts on a physical network: one segment for hosts, on which Sparkle is, and one that stands for the world.
/// <code>
///    site:  Sparkle ─ core ─┬─ eth0 host 1 eth1 ─┬─ world ─ 203.0.113.1, who is outside
///                           └─ eth0 host 2 eth1 ─┘
/// </code>
/// </summary>
public static class CloudSite
{
    public const string SparkleAddress = "10.118.0.1";
    public const string WorldAddress = "203.0.113.1";

    /// <summary>The segment of hosts; the cable of a host is the link of this name and its number.</summary>
    public const string Core = "core";

    private const string World = "world";

    /// <summary>Lays the two segments.</summary>
    public static async Task<NetworkNamespace> LayAsync()
    {
        var site = await NetworkNamespace.StartAsync();
        foreach (var (bridge, address) in new[] { (Core, $"{SparkleAddress}/24"), (World, $"{WorldAddress}/24") })
        {
            await site.RunAsync("ip", "link", "add", bridge, "type", "bridge");
            await site.RunAsync("ip", "address", "add", address, "dev", bridge);
            await site.RunAsync("ip", "link", "set", bridge, "up");
        }
        return site;
    }

    /// <summary>A platform there.</summary>
    public static PlatformSettings On(NetworkNamespace site, PlatformSettings settings) => settings with
    {
        SparkleNetwork = site,
        SparkleAddress = SparkleAddress,
        TwilightNetwork = site,
    };

    /// <summary>Starts a host, which joins the platform. The platform's own first host is no place for guests here: it has no network for them.</summary>
    /// <param name="number">From 1.</param>
    /// <param name="words">What else is said to the kernels of guests; null for guests that are a ROM.</param>
    public static async Task<CloudHost> JoinAsync(RunningPlatform platform, NetworkNamespace site, int number, string? words)
    {
        await platform.Alicorn.ReplaceAsync($"/host/{platform.Host}", "state", "evacuated");
        var host = await CloudHost.StartAsync(platform, site, Core, World, number, words);
        try
        {
            await host.JoinAsync();
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the host's cards have their roles.</summary>
    public static Task IsUsableAsync(RunningPlatform platform, CloudHost host) => Eventually.SeesAsync(
        $"the roles of host {host.Number}",
        _ => platform.Alicorn.GetAsync($"/host/{host.Uuid}/role-status"),
        roles => roles.Properties().Count() == 2 && roles.Properties().All(role => role.Value.SelectToken("current.status")?.ToString() == "active"));
}
