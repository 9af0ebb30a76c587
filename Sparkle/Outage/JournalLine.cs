using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Outage;

/// <summary>One line of the journal: all of it takes effect or nothing.</summary>
/// <param name="Generation">Of the first line of a file, which is a whole journal; null for all that follow.</param>
/// <param name="Orders">Orders that are taken; each replaces an older one of its row.</param>
/// <param name="Done">Orders that no longer count.</param>
internal sealed record JournalLine(long? Generation, IReadOnlyList<LetGoOrder> Orders, IReadOnlyList<Guid> Done)
{
    private const int ChecksumLength = 16;

    /// <summary>The requests behind the orders that may be repeated.</summary>
    public IReadOnlyList<JournaledRequest> Requests { get; init; } = [];

    /// <summary>The bytes of the line, its end included.</summary>
    public byte[] Encode()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (Generation is { } generation)
                json.WriteNumber("generation", generation);
            json.WriteStartArray("orders");
            foreach (var order in Orders)
                order.Write(json);
            json.WriteEndArray();
            json.WriteStartArray("done");
            foreach (var id in Done)
                json.WriteStringValue(id);
            json.WriteEndArray();
            json.WriteStartArray("requests");
            foreach (var request in Requests)
                request.Write(json);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        var text = stream.ToArray();
        return [.. Encoding.ASCII.GetBytes(Checksum(text)), (byte)' ', .. text, (byte)'\n'];
    }

    /// <summary>Whether the line, without its end, is as it was written.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> line) =>
        line.Length > ChecksumLength + 1 && line[ChecksumLength] == (byte)' '
        && line[..ChecksumLength].SequenceEqual(Encoding.ASCII.GetBytes(Checksum(line[(ChecksumLength + 1)..])));

    /// <param name="line">A whole line, without its end.</param>
    /// <param name="catalog">The entities that orders are about.</param>
    /// <exception cref="JsonException">This version does not understand it.</exception>
    public static JournalLine Decode(ReadOnlyMemory<byte> line, EntityCatalog catalog)
    {
        using var document = JsonDocument.Parse(line[(ChecksumLength + 1)..]);
        var json = document.RootElement;
        try
        {
            return new JournalLine(
                json.TryGetProperty("generation", out var generation) ? generation.GetInt64() : null,
                [.. json.GetProperty("orders").EnumerateArray().Select(order => LetGoOrder.Read(order, catalog))],
                [.. json.GetProperty("done").EnumerateArray().Select(id => id.GetGuid())])
            {
                Requests = json.TryGetProperty("requests", out var requests) ? [.. requests.EnumerateArray().Select(JournaledRequest.Read)] : [],
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException("It is no line of the journal.", e);
        }
    }

    private static string Checksum(ReadOnlySpan<byte> text) => Convert.ToHexStringLower(SHA256.HashData(text))[..ChecksumLength];
}
