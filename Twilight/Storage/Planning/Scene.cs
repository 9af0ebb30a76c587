using PonyCloud.Shared.Entities;

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

    /// <summary>Asks for a look into an object.</summary>
    public void Look(Guid pool, StorageObject target)
    {
        if (!Interests.TryGetValue(pool, out var targets))
            Interests.Add(pool, targets = []);
        targets.Add(target);
    }

    /// <summary>What this host began and no longer works on.</summary>
    public bool IsLeftBehind(FoundObject found) => found.Name?.IsOf(input.Host) == true;
}
