using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What was carried out for a volume, where no scan shows it.</summary>
/// <param name="Generation">The newest content that is complete; 0 for none.</param>
/// <param name="Reverts">The last order to revert it that was carried out.</param>
/// <param name="IsWiped">Its space was wiped, for good.</param>
/// <param name="Cleared">MiB from its beginning that were wiped for this content; 0 where pools see to that themselves.</param>
public readonly record struct VolumeRecord(int Generation, int Reverts, bool IsWiped, long Cleared = 0);

/// <summary>Everything that a plan is made from.</summary>
public sealed record StoragePlannerInput
{
    public required Guid Host { get; init; }

    /// <summary>Null until the first full state has come.</summary>
    public required StorageOrders? Orders { get; init; }

    /// <summary>The pools that are prepared.</summary>
    public IReadOnlyDictionary<Guid, PoolView> Pools { get; init; } = new Dictionary<Guid, PoolView>();

    /// <summary>The types of pools that there is a driver for.</summary>
    public IReadOnlySet<StoragePoolType> Types { get; init; } = new HashSet<StoragePoolType>();

    /// <summary>The host's own pool for copies of images whose pools keep none.</summary>
    public required PoolDefinition Staging { get; init; }

    /// <summary>What has begun, and what has ended and has not been seen by a scan yet.</summary>
    public IReadOnlyDictionary<StorageSubject, StorageAction> InFlight { get; init; } = new Dictionary<StorageSubject, StorageAction>();

    public IReadOnlyDictionary<StorageAction, FailureMemory> Failures { get; init; } = new Dictionary<StorageAction, FailureMemory>();

    public IReadOnlyDictionary<Guid, VolumeRecord> Ledger { get; init; } = new Dictionary<Guid, VolumeRecord>();

    /// <summary>What guests have open.</summary>
    public GuestUses Uses { get; init; } = GuestUses.None;

    /// <summary>Monotonic.</summary>
    public required TimeSpan Now { get; init; }
}
