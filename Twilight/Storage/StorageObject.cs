using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage;

/// <summary>Something in a pool that is to be made or that work is to be done on.</summary>
/// <param name="Size">MiB that a guest sees.</param>
public sealed record StorageObject(ObjectName Name, long Size)
{
    /// <summary>The logical unit that it is, in a pool of such.</summary>
    public int? Unit { get; init; }

    /// <summary>MiB from its beginning that were wiped for it; null where all of it may be offered. What is behind them is nobody's.</summary>
    public long? Cleared { get; init; }

    /// <summary>MiB that may be opened.</summary>
    public long Offered => Math.Min(Size, Cleared ?? Size);

    /// <summary>In a shared-lvm pool the parts of disks that it is, in their order.</summary>
    public IReadOnlyList<ExtentDesired> Extents { get; init; } = [];

    public bool Equals(StorageObject? other) => other is not null
        && (Name, Size, Unit, Cleared) == (other.Name, other.Size, other.Unit, other.Cleared) && Extents.SequenceEqual(other.Extents);

    public override int GetHashCode() => HashCode.Combine(Name, Size, Unit, Cleared, Extents.Count);

    public override string ToString() => Name.ToString();
}

/// <summary>An object that a scan found.</summary>
/// <param name="Name">Null for one that this agent cannot name, such as a mapping without a volume; then it is an orphan.</param>
/// <param name="Text">What it is called in the pool.</param>
public sealed record FoundObject(ObjectName? Name, string Text)
{
    /// <summary>MiB that it takes in the pool; null where the pool does not say.</summary>
    public long? Allocated { get; init; }

    /// <summary>Another one when something else stands under the name; compared only. Null where the pool does not say.</summary>
    public string? Version { get; init; }
}

/// <summary>What a pool is like now.</summary>
public sealed record PoolScan
{
    /// <summary>Where the host has it.</summary>
    public string? Path { get; init; }

    /// <summary>MiB.</summary>
    public required long Capacity { get; init; }

    /// <summary>MiB that are free.</summary>
    public required long Available { get; init; }

    /// <summary>Everything in it that the platform named. A pool of units lists none: what a unit holds is known from rows alone.</summary>
    public required IReadOnlyList<FoundObject> Objects { get; init; }

    /// <summary>The units of a pool of such, by number, with their sizes in MiB; null for other pools.</summary>
    public IReadOnlyDictionary<int, long>? Units { get; init; }
}

/// <summary>A snapshot in an object.</summary>
public sealed record FoundSnapshot(Guid Uuid, DateTimeOffset? Taken);

/// <summary>What only a look into an object tells.</summary>
public sealed record ObjectDetails
{
    /// <summary>MiB that a guest sees.</summary>
    public required long Size { get; init; }

    /// <summary>The device or file, where that is not its name in the path of the pool.</summary>
    public string? Path { get; init; }

    public IReadOnlyList<FoundSnapshot> Snapshots { get; init; } = [];

    /// <summary>The image copy that it reads what it has not written from; null for one that stands alone.</summary>
    public ObjectName? Backing { get; init; }
}
