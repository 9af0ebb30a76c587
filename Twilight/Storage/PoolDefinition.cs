using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage;

/// <summary>A disk of a pool, as this host sees it.</summary>
/// <param name="Path">The device; null while the host does not see the disk.</param>
/// <param name="Size">MiB; null while nobody knows.</param>
public sealed record PoolDisk(string Id, string? Path, long? Size);

/// <summary>What a pool is, from its row and what the host knows of its disks. Equal ones are the same pool.</summary>
public sealed record PoolDefinition
{
    /// <summary>The row, with the secret, which goes nowhere but to the storage itself.</summary>
    public required StoragePoolDesired Pool { get; init; }

    /// <summary>By id; only shared-lvm pools have disks.</summary>
    public IReadOnlyList<PoolDisk> Disks { get; init; } = [];

    public bool Equals(PoolDefinition? other) => other is not null && Pool == other.Pool && Disks.SequenceEqual(other.Disks);

    public override int GetHashCode() => HashCode.Combine(Pool, Disks.Count);

    public override string ToString() => $"pool {Pool.Name} ({Pool.Type})";
}
