using System.Globalization;

namespace PonyCloud.Shared.Replication;

/// <summary>
/// The name of one stream of updates, made by the receiver for its request (R1). Written as <c>PREFIX:COUNTER</c>.
/// </summary>
/// <param name="Prefix">Drawn at random when the receiver started.</param>
/// <param name="Counter">Counts the receiver's requests, from 1.</param>
public sealed record StreamId(string Prefix, long Counter)
{
    public const int MaxLength = 80;

    /// <summary>Whether this names an earlier request of the same receiver.</summary>
    public bool IsOlderThan(StreamId? other) => other is not null && Prefix == other.Prefix && Counter < other.Counter;

    public override string ToString() => $"{Prefix}:{Counter.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Reads <c>PREFIX:COUNTER</c>; null when the text is not of that form.</summary>
    public static StreamId? TryParse(string? text)
    {
        if (text is null || text.Length > MaxLength)
            return null;
        var colon = text.LastIndexOf(':');
        return colon > 0 && long.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var counter)
            ? new StreamId(text[..colon], counter)
            : null;
    }
}
