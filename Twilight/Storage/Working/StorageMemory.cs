using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>What actions came to: which failed and when they are tried again, and what was carried out that no scan shows.</summary>
/// <remarks>Owned by the loop. Failures are forgotten with the agent, which then merely tries at once.</remarks>
internal sealed class StorageMemory(VolumeLedger ledger, OpenPools pools, Backoff backoff)
{
    private readonly Dictionary<StorageAction, FailureMemory> _failures = [];

    internal IReadOnlyDictionary<StorageAction, FailureMemory> Failures => _failures;

    internal IReadOnlyDictionary<Guid, VolumeRecord> Records => ledger.Records;

    internal void Remember(OrderOutcome<StorageAction> outcome, TimeSpan now)
    {
        if (outcome.End == ActionEnd.Failed)
        {
            var failures = _failures.GetValueOrDefault(outcome.Action)?.Failures + 1 ?? 1;
            _failures[outcome.Action] = new FailureMemory(failures, now + backoff.DelayAfter(failures), outcome.Failure!.Message);
            return;
        }
        _failures.Remove(outcome.Action);
        if (outcome.End == ActionEnd.Done)
            Record(outcome.Action);
    }

    /// <summary>A content is whole.</summary>
    /// <param name="cleared">MiB that were wiped for it; 0 where the pool sees to that itself.</param>
    internal void RememberContent(ObjectName name, long cleared) =>
        ledger.Set(name.Uuid, Of(name) with { Generation = name.Generation, IsWiped = false, Cleared = cleared });

    /// <summary>What nobody orders any more is a new chance when it is ordered again.</summary>
    internal void Keep(StorageOrders orders, StoragePlan plan)
    {
        foreach (var action in _failures.Keys.Where(action => !plan.Due.Contains(action)).ToList())
            _failures.Remove(action);
        var dead = orders.Tombstones.Where(tombstone => tombstone.Type == TombstoneType.Volume);
        ledger.Keep(orders.Volumes.Keys.Concat(dead.Select(tombstone => Guid.Parse(tombstone.Target))).ToHashSet());
    }

    private void Record(StorageAction action)
    {
        switch (action)
        {
            case StorageAction.Make { Target: var target } make:
                RememberContent(target.Name, pools[make.Pool].Abilities.Publishes ? 0 : target.Size);
                break;
            // Of a content that another host made there is no record yet.
            case StorageAction.Clear { Target: var target }:
                RememberContent(target.Name, target.Size);
                break;
            case StorageAction.Revert { Target.Name: var name } revert:
                ledger.Set(name.Uuid, Of(name) with { Reverts = revert.Count });
                break;
            case StorageAction.Remove { Target.Name: { Kind: ObjectKind.Volume } name } remove when !pools[remove.Pool].Abilities.Publishes:
                ledger.Set(name.Uuid, Of(name) with { Generation = 0, IsWiped = true, Cleared = 0 });
                break;
            default:
                break;
        }
    }

    private VolumeRecord Of(ObjectName name) => ledger.Records.GetValueOrDefault(name.Uuid);
}
