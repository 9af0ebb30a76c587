using System.Globalization;

namespace PonyCloud.Twilight.Storage.Logical;

/// <summary>What is in the thin pool of a group.</summary>
/// <param name="Capacity">MiB.</param>
/// <param name="Volumes">By name, what others keep in the pool included: it takes room too.</param>
internal sealed record LogicalContent(long Capacity, IReadOnlyDictionary<string, LogicalVolume> Volumes)
{
    /// <summary>Begins the tag of a snapshot that says when it was taken.</summary>
    internal const string TakenTag = "taken=";

    /// <summary>MiB that are promised to nobody.</summary>
    internal long Available => Math.Max(0, Capacity - Volumes.Values.Sum(volume => volume.Size));

    /// <returns>Null when there is no such pool.</returns>
    internal static LogicalContent? Of(GroupReport report, string pool) =>
        report.Volumes.FirstOrDefault(volume => volume.Name == pool) is { } thin
            ? new LogicalContent(thin.Size, report.Volumes.Where(volume => volume.Pool == pool).ToDictionary(volume => volume.Name))
            : null;

    /// <exception cref="StorageException">It is not there.</exception>
    internal LogicalVolume Get(ObjectName name) =>
        Volumes.TryGetValue(name.ToString(), out var volume)
            ? volume
            : throw new StorageException(StorageFailure.Missing, $"{name} is not there.");

    /// <exception cref="StorageException">There is less room.</exception>
    internal void ThrowIfNoRoom(long size)
    {
        if (size > Available)
            throw new StorageException(StorageFailure.Full, $"{size} MiB are needed, and {Available} MiB are free.");
    }

    /// <summary>Its snapshots and what else belongs to it, also when it is gone itself.</summary>
    internal IEnumerable<LogicalVolume> PartsOf(ObjectName target) =>
        Volumes.Values.Where(volume => LogicalNames.ObjectOf(volume.Name) == target.ToString());

    /// <summary>Objects of which a revert was cut off when their past was put aside.</summary>
    internal IEnumerable<string> HalfReverted => Volumes.Keys.Select(LogicalNames.ObjectOfPast).OfType<string>();

    internal IReadOnlyList<FoundSnapshot> SnapshotsOf(ObjectName target)
    {
        var found = new List<FoundSnapshot>();
        foreach (var volume in Volumes.Values)
        {
            if (LogicalNames.TryParseSnapshot(volume.Name, out var of, out var uuid) && of == target.ToString())
                found.Add(new FoundSnapshot(uuid, Taken(volume)));
        }
        return found;
    }

    private static DateTimeOffset? Taken(LogicalVolume volume) =>
        volume.Tags.FirstOrDefault(tag => tag.StartsWith(TakenTag, StringComparison.Ordinal)) is { } tag
        && DateTimeOffset.TryParse(tag.AsSpan(TakenTag.Length), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var taken)
            ? taken
            : null;
}
