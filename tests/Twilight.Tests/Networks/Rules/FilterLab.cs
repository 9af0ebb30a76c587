using System.Security.Cryptography;
using System.Text.Json;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>
/// A bridge in a namespace of its own. Each of its ports is one end of a cable, in the place of a tap; frames are sent and received at the
/// other end.
/// </summary>
internal sealed class FilterLab : IAsyncDisposable
{
    public const string Bridge = "pcs1";

    private const int MarkSize = 16;

    // Nobody sends by himself, and what is bridged is not handed to the filters of IP, which take away what is behind a packet.
    private const string Quiet = """
        for what in all default; do echo 1 > /proc/sys/net/ipv6/conf/$what/disable_ipv6; done
        for switch in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $switch ] || echo 0 > $switch; done
        """;

    private readonly NetworkNamespace _namespace;
    private readonly Dictionary<string, PacketSocket> _sockets = new(StringComparer.Ordinal);
    private readonly NftPacketFilter _filter;

    private FilterLab(NetworkNamespace made)
    {
        _namespace = made;
        _filter = new NftPacketFilter(new ToolsInside(made));
    }

    public NetworkNamespace Namespace => _namespace;

    public static async Task<FilterLab> StartAsync(params string[] ports)
    {
        var lab = new FilterLab(await NetworkNamespace.StartAsync());
        try
        {
            await lab._namespace.RunAsync("sh", "-c", Quiet);
            await lab._namespace.RunAsync("ip", "link", "add", Bridge, "up", "type", "bridge", "mcast_snooping", "0");
            foreach (var port in ports)
            {
                await lab._namespace.RunAsync("ip", "link", "add", port, "type", "veth", "peer", "name", End(port));
                await lab._namespace.RunAsync("ip", "link", "set", port, "master", Bridge, "up");
                await lab._namespace.RunAsync("ip", "link", "set", End(port), "up");
            }
            foreach (var port in ports.Append(Bridge))
                lab._sockets.Add(port, await lab.OpenAsync(port == Bridge ? Bridge : End(port)));
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>The guest's end of the cable.</summary>
    public static string End(string port) => $"{port}e";

    public async Task ApplyAsync(FilterInput input, CancellationToken cancellationToken) =>
        await _filter.ApplyAsync(FilterPlan.Between(await _filter.ScanAsync(cancellationToken), FilterLayout.Of(input)), cancellationToken);

    public async Task<CardCounters> CountAsync(string port, CancellationToken cancellationToken) => (await _filter.CountAsync(cancellationToken))[port];

    public Task SendAsync(string from, byte[] frame, CancellationToken cancellationToken) => _sockets[from].SendAsync(frame, cancellationToken);

    /// <summary>
    /// Whether a frame that is sent at one port comes out at another. What came of it is known once a second one has come that passes
    /// everywhere, since frames do not overtake each other.
    /// </summary>
    /// <param name="honest">The hardware address of the one that sends the second frame.</param>
    /// <param name="witness">Where the second frame comes out; the same port when it is absent.</param>
    public async Task<bool> PassesAsync(
        string from, string to, byte[] frame, string honest, CancellationToken cancellationToken, string? witness = null)
    {
        foreach (var socket in _sockets.Values)
            _ = socket.Received().Count();
        var (sent, last) = (RandomNumberGenerator.GetBytes(MarkSize), RandomNumberGenerator.GetBytes(MarkSize));
        await SendAsync(from, [.. frame, .. sent], cancellationToken);
        await SendAsync(from, [.. Frame.RarpOf(honest), .. last], cancellationToken);
        var came = false;
        byte[] received;
        do
        {
            received = await _sockets[witness ?? to].ReceiveAsync(cancellationToken);
            came |= received.AsSpan().EndsWith(sent);
        }
        while (!received.AsSpan().EndsWith(last));
        return witness is null ? came : _sockets[to].Received().Any(other => other.AsSpan().EndsWith(sent));
    }

    /// <summary>What came to the guest's end, in bytes.</summary>
    public async Task<long> ReceivedAsync(string port)
    {
        using var json = JsonDocument.Parse(await _namespace.RunAsync("ip", "-json", "-statistics", "link", "show", End(port)));
        return json.RootElement[0].GetProperty("stats64").GetProperty("rx").GetProperty("bytes").GetInt64();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var socket in _sockets.Values)
            socket.Dispose();
        await _namespace.DisposeAsync();
    }

    private async Task<PacketSocket> OpenAsync(string device)
    {
        using var json = JsonDocument.Parse(await _namespace.RunAsync("ip", "-json", "link", "show", device));
        return PacketSocket.Open(_namespace, json.RootElement[0].GetProperty("ifindex").GetInt32());
    }
}
