using System.Collections.Immutable;

namespace PonyCloud.Twilight.Instances;

/// <summary>A disk that a guest starts with.</summary>
/// <param name="Size">MiB that the guest will see; null when nobody knows.</param>
public sealed record StartDisk(Guid Vdisk, DiskSource Source, long? Size);

/// <summary>The disks that a guest starts with. Equal when all of them are.</summary>
public sealed record DiskSet(ImmutableArray<StartDisk> Disks)
{
    public static DiskSet None { get; } = new([]);

    public bool Equals(DiskSet? other) => other is not null && Disks.SequenceEqual(other.Disks);

    public override int GetHashCode() => Disks.Length;
}
