using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Twilight.Tests.Networks;

/// <summary>What tests do in namespaces leaves nothing behind, however they end.</summary>
public sealed class NetworkNamespaceTests
{
    // A daemon as dnsmasq is: in a session of its own, with nobody's input and output, and a child of nobody.
    private const string Daemon = "setsid sleep 3600 </dev/null >/dev/null 2>&1 & echo $!";

    [Test]
    public async Task What_became_a_daemon_inside_ends_with_it()
    {
        var space = await NetworkNamespace.StartAsync(hasNames: true);
        await space.RunAsync("ip", "netns", "add", "further");
        int[] daemons =
        [
            int.Parse(await space.RunAsync("sh", "-c", Daemon)),
            int.Parse(await space.RunAsync("ip", "netns", "exec", "further", "sh", "-c", Daemon)),
        ];
        Assert.That(daemons, Is.All.Matches<int>(Runs));

        // All that is left when the test process is killed: the end of what it held.
        await space.DisposeAsync();

        await Eventually.HoldsAsync("the daemons to be gone", () => !daemons.Any(Runs));
    }

    [Test]
    public async Task One_namespace_ends_without_another()
    {
        await using var stays = await NetworkNamespace.StartAsync();
        var daemon = int.Parse(await stays.RunAsync("sh", "-c", Daemon));
        var goes = await NetworkNamespace.StartAsync(hasNames: true);

        await goes.DisposeAsync();

        Assert.That(Runs(daemon));
        Assert.That(await stays.RunAsync("ip", "-o", "link"), Does.Contain("lo:"));
    }

    /// <summary>Whether it does anything; what was killed may wait for somebody to notice.</summary>
    private static bool Runs(int pid)
    {
        try
        {
            return !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return false;
        }
    }
}
