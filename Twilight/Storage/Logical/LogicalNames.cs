namespace PonyCloud.Twilight.Storage.Logical;

/// <summary>
/// What belongs to an object and is none: LVM takes 127 characters for the names of group and volume together, hyphens counted
/// twice, so they are short. A name that begins with "snapshot" is LVM's own.
/// </summary>
internal static class LogicalNames
{
    private const string NextEnd = ".next";
    private const string PastEnd = ".past";
    private const string SnapshotMark = ".snap.";

    internal static string Snapshot(ObjectName target, Guid snapshot) => $"{target}{SnapshotMark}{snapshot:N}";

    /// <summary>What takes the object's place when it is reverted.</summary>
    internal static string Next(string target) => target + NextEnd;

    /// <summary>What the object was before.</summary>
    internal static string Past(string target) => target + PastEnd;

    /// <summary>Whose past it is; null for anything else.</summary>
    internal static string? ObjectOfPast(string text) => text.EndsWith(PastEnd, StringComparison.Ordinal) ? text[..^PastEnd.Length] : null;

    /// <summary>Splits the name of a snapshot into its object's and its own.</summary>
    internal static bool TryParseSnapshot(string text, out string target, out Guid snapshot)
    {
        var mark = text.LastIndexOf(SnapshotMark, StringComparison.Ordinal);
        target = mark < 0 ? "" : text[..mark];
        snapshot = default;
        return mark > 0 && Guid.TryParseExact(text.AsSpan(mark + SnapshotMark.Length), "N", out snapshot);
    }

    /// <summary>Whose part it is; null for what is none.</summary>
    internal static string? ObjectOf(string text)
    {
        if (TryParseSnapshot(text, out var target, out _))
            return target;
        return text.EndsWith(NextEnd, StringComparison.Ordinal) ? text[..^NextEnd.Length] : ObjectOfPast(text);
    }
}
