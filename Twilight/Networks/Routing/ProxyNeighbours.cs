using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>
/// Floating addresses on the link of role public: the kernel answers there whoever asks for one (proxy ARP, for just these), and
/// a new one is announced. Those of others stay: the platform's have its mark as their origin.
/// </summary>
internal sealed class ProxyNeighbours(IToolRunner tools, IAddressAnnouncer announcer)
{
    // Who heard of an address within the last second, such as from the host that had it before, takes no notice (locktime).
    private const int Announcements = 3;

    private readonly Dictionary<string, int> _announced = [];

    /// <param name="kept">Addresses that stay as they are, answered for or not.</param>
    /// <returns>Whether all was announced often enough.</returns>
    /// <exception cref="ToolException">It could not be done; the next call goes on.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">It could not be announced; the next call does it.</exception>
    internal async Task<bool> ApplyAsync(
        string? link, IReadOnlyCollection<string> addresses, IReadOnlySet<string> kept, CancellationToken cancellationToken)
    {
        var wanted = link is null ? [] : addresses.Select(address => (Link: link, Address: address)).ToHashSet();
        var actual = await ReadAsync(cancellationToken);
        foreach (var (on, address) in actual.Except(wanted).Where(one => one.Link != link || !kept.Contains(one.Address)))
            await NeighbourAsync("del", on, address, cancellationToken);
        foreach (var address in _announced.Keys.Except(addresses).ToList())
            _announced.Remove(address);
        if (link is null || wanted.Count == 0)
            return true;
        var missing = wanted.Except(actual).ToList();
        if (missing.Count > 0)
            await tools.RunAsync(new ToolCall("sysctl", "-q", "-w", $"net/ipv4/neigh/{link}/proxy_delay=0"), cancellationToken);
        foreach (var (on, address) in missing)
        {
            await NeighbourAsync("add", on, address, cancellationToken);
            _announced.Remove(address);
        }
        await AnnounceAsync(link, addresses, cancellationToken);
        return addresses.All(address => _announced[address] >= Announcements);
    }

    /// <summary>Also those that an agent before this one may have had no time to announce.</summary>
    private async Task AnnounceAsync(string link, IEnumerable<string> addresses, CancellationToken cancellationToken)
    {
        var due = addresses.Where(address => _announced.GetValueOrDefault(address) < Announcements).ToList();
        if (due.Count == 0)
            return;
        var (index, hardware) = await LinkAsync(link, cancellationToken);
        foreach (var address in due)
        {
            announcer.Announce(index, hardware, IPAddress.Parse(address));
            _announced[address] = _announced.GetValueOrDefault(address) + 1;
        }
    }

    private async Task<HashSet<(string Link, string Address)>> ReadAsync(CancellationToken cancellationToken)
    {
        var result = await tools.RunAsync(new ToolCall("ip", "-json", "-4", "neighbour", "show", "proxy"), cancellationToken);
        if (string.IsNullOrWhiteSpace(result.Output))
            return [];
        using var document = JsonDocument.Parse(result.Output);
        var ours = Marks.Protocol.ToString(CultureInfo.InvariantCulture);
        return [.. document.RootElement.EnumerateArray()
            .Where(entry => entry.TryGetProperty("protocol", out var protocol) && protocol.ToString() == ours)
            .Select(entry => (entry.GetProperty("dev").GetString()!, entry.GetProperty("dst").GetString()!))];
    }

    private Task<ToolResult> NeighbourAsync(string verb, string link, string address, CancellationToken cancellationToken) => tools.RunAsync(
        new ToolCall("ip", "neighbour", verb, "proxy", address, "dev", link, "protocol", Marks.Protocol.ToString(CultureInfo.InvariantCulture)),
        cancellationToken);

    private async Task<(int Index, PhysicalAddress Hardware)> LinkAsync(string link, CancellationToken cancellationToken)
    {
        var result = await tools.RunAsync(new ToolCall("ip", "-json", "link", "show", "dev", link), cancellationToken);
        using var document = JsonDocument.Parse(result.Output);
        var entry = document.RootElement[0];
        return (entry.GetProperty("ifindex").GetInt32(), PhysicalAddress.Parse(entry.GetProperty("address").GetString()));
    }
}
