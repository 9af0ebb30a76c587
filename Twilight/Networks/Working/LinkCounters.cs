using System.Text.Json;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Working;

/// <summary>What came and went by a link, as the host sees it.</summary>
public sealed record LinkCounters(long RxBytes, long RxPackets, long TxBytes, long TxPackets);

public interface ILinkCounters
{
    /// <summary>Of every link of the host's namespace, by name.</summary>
    /// <exception cref="NetworkException">They could not be read.</exception>
    Task<IReadOnlyDictionary<string, LinkCounters>> ReadAsync(CancellationToken cancellationToken);
}

/// <summary><c>ip -stats link</c>.</summary>
public sealed class IpLinkCounters(IToolRunner tools) : ILinkCounters
{
    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, LinkCounters>> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Parse((await tools.RunAsync(new ToolCall("ip", "-json", "-stats", "link", "show"), cancellationToken)).Output);
        }
        catch (ToolException exception)
        {
            throw new NetworkException($"The counters of links could not be read: {exception.Message}", cause: exception);
        }
    }

    internal static Dictionary<string, LinkCounters> Parse(string json)
    {
        var counters = new Dictionary<string, LinkCounters>(StringComparer.Ordinal);
        using var document = JsonDocument.Parse(json);
        foreach (var link in document.RootElement.EnumerateArray())
        {
            if (link.TryGetProperty("stats64", out var stats))
                counters[link.GetProperty("ifname").GetString()!] = Read(stats.GetProperty("rx"), stats.GetProperty("tx"));
        }
        return counters;
    }

    private static LinkCounters Read(JsonElement rx, JsonElement tx) => new(
        rx.GetProperty("bytes").GetInt64(), rx.GetProperty("packets").GetInt64(), tx.GetProperty("bytes").GetInt64(), tx.GetProperty("packets").GetInt64());
}
