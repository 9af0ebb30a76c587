using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What those who decide have in common while one plan is made.</summary>
internal sealed class Scene(StoragePlannerInput input, StorageOrders orders)
{
    public StoragePlannerInput Input => input;

    public StorageOrders Orders => orders;

    public Agenda Agenda { get; } = new(input);

    /// <summary>What the host has of each pool that matters, once the pools are planned.</summary>
    public Dictionary<Guid, HostStoragePoolCurrent> Pools { get; } = [];

    /// <summary>Pools that are let go, or made anew elsewhere: nothing goes on in them.</summary>
    public HashSet<Guid> Leaving { get; } = [];

    public Dictionary<Guid, List<StorageObject>> Interests { get; } = [];

    /// <summary>A pool in which work can be planned; null when it is not there.</summary>
    public PoolView? ViewOf(Guid pool) =>
        !Leaving.Contains(pool) && input.Pools.TryGetValue(pool, out var view) && view.Scan is not null ? view : null;

    public bool MayBegin(Guid pool) => ViewOf(pool)?.IsUsable == true;

    /// <summary>Why nothing can be done in a pool.</summary>
    public (StorageStatus Status, string? Why) StateOf(Guid pool) => Pools.TryGetValue(pool, out var state)
        ? (state.Status, state.Why)
        : (StorageStatus.Preparing, "The pool is not known here yet.");

    public bool IsBusy(StorageSubject subject) => input.InFlight.ContainsKey(subject);

    public VolumeRecord RecordOf(Guid volume) => input.Ledger.GetValueOrDefault(volume);

    /// <summary>The content of a volume as it is ordered now.</summary>
    public StorageObject ObjectOf(VolumeDesired volume) => ObjectOf(volume, ObjectName.Volume(volume.Uuid, volume.Generation));

    public StorageObject ObjectOf(VolumeDesired volume, ObjectName name) => orders.ObjectOf(volume, name, RecordOf(volume.Uuid));

    /// <summary>Whether a guest may have the object, or another generation of it, open.</summary>
    public bool MayBeUsed(PoolView pool, StorageObject target) => input.Uses.MayHave(target.Name.Uuid, UnitOf(pool, target));

    /// <summary>The guest that has it open; null for none that is known.</summary>
    public DiskUse? UserOf(PoolView pool, StorageObject target) => input.Uses.Find(target.Name.Uuid, UnitOf(pool, target));

    /// <summary>Why something is not done to an object that a guest may have, in words.</summary>
    public string WhyWaits(string what, PoolView pool, StorageObject target) =>
        input.Uses.WhyWaits(what, target.Name.Uuid, UnitOf(pool, target));

    /// <summary>Asks for a look into an object.</summary>
    public void Look(Guid pool, StorageObject target)
    {
        if (!Interests.TryGetValue(pool, out var targets))
            Interests.Add(pool, targets = []);
        targets.Add(target);
    }

    private static string? UnitOf(PoolView pool, StorageObject target) =>
        target.Unit is { } unit && pool.Scan?.Path is { } name ? new DiskSource.Iscsi("", name, unit, "", null, null, null).Name : null;

    /// <summary>What this host began and no longer works on.</summary>
    public bool IsLeftBehind(FoundObject found) => found.Name?.IsOf(input.Host) == true;
}
