using System.Net;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Twilight.Tests.Networks.Routing;

/// <summary>
/// The public network 203.0.113.0/24 with its router, behind which is somebody at 192.0.2.7; and, apart from it, the managers.
/// </summary>
internal sealed class OutsideWorld : IAsyncDisposable
{
    public const string Router = "203.0.113.1";
    public const string Somebody = "192.0.2.7";

    private readonly List<ChildProcess> _servers = [];

    private OutsideWorld(NetworkNamespace space, NetworkNamespace managers)
    {
        Space = space;
        Managers = managers;
    }

    public NetworkNamespace Space { get; }

    public NetworkNamespace Managers { get; }

    public static async Task<OutsideWorld> StartAsync()
    {
        var world = new OutsideWorld(await NetworkNamespace.StartAsync(), await NetworkNamespace.StartAsync());
        await world.Space.RunAsync("ip", "link", "add", "lan", "type", "bridge");
        await world.Space.RunAsync("ip", "link", "set", "dev", "lan", "up");
        await world.Space.RunAsync("ip", "address", "add", Router + "/24", "dev", "lan");
        await world.Space.RunAsync("ip", "address", "add", Somebody + "/32", "dev", "lo");
        world._servers.Add(await WhoAmI.ServeAsync(world.Space, $"router@{Router}"));
        world._servers.Add(await WhoAmI.ServeAsync(world.Space, $"somebody@{Somebody}"));
        world._servers.Add(await WhoAmI.ServeAsync(world.Managers, "managers"));
        return world;
    }

    /// <summary>Lays a cable of that name into the public network.</summary>
    public async Task PlugAsync(NetworkNamespace host, string device)
    {
        await Space.ConnectAsync(host, device, IPAddress.Parse("198.51.100.1"), IPAddress.Parse("198.51.100.2"));
        await host.RunAsync("ip", "address", "flush", "dev", device);
        await Space.RunAsync("ip", "address", "flush", "dev", device);
        await Space.RunAsync("ip", "link", "set", "dev", device, "master", "lan");
    }

    /// <summary>Lets somebody answer DNS, and write down what he is asked.</summary>
    public async Task<ChildProcess> ServeNamesAsync()
    {
        var (file, arguments) = Space.Inside(
            "dnsmasq",
            [
                "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--user=root", "--no-resolv", "--no-hosts",
                "--bind-interfaces", $"--listen-address={Somebody}", "--address=/www.example.org/192.0.2.99", "--log-queries", "--log-facility=-",
            ]);
        var server = ChildProcess.Start(file, arguments);
        await server.WaitForLineAsync("that it serves", line => line.Contains("started", StringComparison.Ordinal));
        return server;
    }

    public Task<string> AskAsync(string address) => WhoAmI.AskAsync(Space, address);

    /// <summary>Asks all the time, and writes a line whenever somebody else answers.</summary>
    public ChildProcess Follow(string address)
    {
        var (file, arguments) = Space.Inside("python3", [WhoAmI.Script, "follow", address]);
        return ChildProcess.Start(file, arguments);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        await Space.DisposeAsync();
        await Managers.DisposeAsync();
    }
}

internal static class WhoAmI
{
    public static string Script { get; } = Repository.At("tests", "Twilight.Tests", "Networks", "Routing", "whoami.py");

    public static async Task<ChildProcess> ServeAsync(NetworkNamespace space, string name, params string[] within)
    {
        string[] command = [.. within, "python3", Script, "serve", name];
        var (file, arguments) = space.Inside(command[0], command[1..]);
        var server = ChildProcess.Start(file, arguments);
        await server.WaitForLineAsync("that it answers", line => line == "up");
        return server;
    }

    public static Task<string> AskAsync(NetworkNamespace space, string address, params string[] within)
    {
        string[] command = [.. within, "python3", Script, "ask", address];
        return space.RunAsync(command[0], command[1..]);
    }
}
