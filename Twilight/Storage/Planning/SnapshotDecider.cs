using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>The snapshots of a volume that the host keeps: those to take, those to remove, and those that nobody knows.</summary>
internal sealed class SnapshotDecider(Scene scene)
{
    /// <summary>What was ordered to be kept and is not yet.</summary>
    internal static IEnumerable<Guid> ToTake(Scene scene, VolumeDesired volume, ObjectDetails details) => scene.Orders
        .SnapshotsOf(volume.Uuid)
        .Where(snapshot => snapshot.State == SnapshotState.Present)
        .Select(snapshot => snapshot.Uuid)
        .Except(details.Snapshots.Select(snapshot => snapshot.Uuid));

    internal IEnumerable<Due> DueOf(VolumeDesired volume, StorageObject target, PoolView pool, ObjectDetails details)
    {
        var unwanted = scene.Orders.SnapshotsOf(volume.Uuid)
            .Where(snapshot => snapshot.State == SnapshotState.Deleted)
            .Select(snapshot => snapshot.Uuid)
            .Concat(Tombstones(volume.Uuid))
            .Concat(Orphans(target.Name, pool.Uuid));
        foreach (var snapshot in details.Snapshots.Select(snapshot => snapshot.Uuid).Intersect(unwanted).Order())
            yield return new Due(RemovalOf(target, pool, snapshot), IsQuiet: true);
        if (!pool.Abilities.Snapshots)
            yield break;
        foreach (var snapshot in ToTake(scene, volume, details))
            yield return new Due(TakingOf(target, pool, snapshot), IsQuiet: true);
    }

    /// <summary>What a guest has open in a pool of files is its QEMU's to work on.</summary>
    private StorageAction.Snapshot TakingOf(StorageObject target, PoolView pool, Guid snapshot) =>
        new(pool.Uuid, target, snapshot, scene.UserOf(pool, target));

    internal StorageAction.RemoveSnapshot RemovalOf(StorageObject target, PoolView pool, Guid snapshot) =>
        new(pool.Uuid, target, snapshot, scene.UserOf(pool, target));

    /// <summary>What the host has of the snapshots of a volume.</summary>
    internal IEnumerable<HostSnapshotCurrent> StatesOf(HostVolumeDesired kept)
    {
        if (!scene.Orders.Volumes.TryGetValue(kept.Volume, out var volume) || volume.State == VolumeState.Deleted)
            yield break;
        var pool = scene.ViewOf(volume.StoragePool);
        var target = scene.ObjectOf(volume);
        var details = pool?.Details.GetValueOrDefault(target.Name);
        foreach (var snapshot in scene.Orders.SnapshotsOf(volume.Uuid))
        {
            var found = details?.Snapshots.FirstOrDefault(one => one.Uuid == snapshot.Uuid);
            if (found is null && snapshot.State == SnapshotState.Deleted)
                continue;
            var (status, why) = StateOf(snapshot, target, pool, found);
            yield return new HostSnapshotCurrent
            {
                Host = scene.Input.Host,
                Snapshot = snapshot.Uuid,
                Status = status,
                Taken = found?.Taken,
                Why = why,
            };
        }
    }

    /// <summary>Snapshots that no row explains.</summary>
    internal IEnumerable<HostOrphanCurrent> OrphansOf(HostVolumeDesired kept)
    {
        if (!scene.Orders.Volumes.TryGetValue(kept.Volume, out var volume) || scene.ViewOf(volume.StoragePool) is not { } pool)
            return [];
        var name = ObjectName.Volume(volume.Uuid, volume.Generation);
        var dying = Tombstones(volume.Uuid).ToHashSet();
        return (pool.Details.GetValueOrDefault(name)?.Snapshots ?? [])
            .Where(snapshot => !scene.Orders.HasSnapshot(snapshot.Uuid) && !dying.Contains(snapshot.Uuid))
            .Select(snapshot => new HostOrphanCurrent
            {
                Host = scene.Input.Host,
                Name = $"{pool.Uuid}:{name}@{snapshot.Uuid}",
                StoragePool = pool.Uuid,
                Type = OrphanType.Snapshot,
                Target = snapshot.Uuid,
            });
    }

    private (StorageStatus Status, string? Why) StateOf(
        SnapshotDesired snapshot, StorageObject target, PoolView? pool, FoundSnapshot? found)
    {
        if (pool is null)
            return (StorageStatus.Preparing, null);
        if (found is null && !pool.Abilities.Snapshots)
            return (StorageStatus.Broken, "A pool of this type takes no snapshots.");
        StorageAction? due = (found, snapshot.State) switch
        {
            (null, _) => TakingOf(target, pool, snapshot.Uuid),
            (_, SnapshotState.Deleted) => RemovalOf(target, pool, snapshot.Uuid),
            _ => null,
        };
        if (due is null)
            return (StorageStatus.Ready, null);
        return scene.Input.Failures.TryGetValue(due, out var failure)
            ? (StorageStatus.Broken, failure.Why)
            : (StorageStatus.Preparing, pool.Why);
    }

    private IEnumerable<Guid> Tombstones(Guid volume) => scene.Orders.Tombstones
        .Where(tombstone => tombstone.Type == TombstoneType.Snapshot && tombstone.Volume == volume)
        .Select(tombstone => Guid.Parse(tombstone.Target));

    private IEnumerable<Guid> Orphans(ObjectName volume, Guid pool) => scene.Orders.Tombstones
        .Where(tombstone => tombstone.Type == TombstoneType.Orphan && tombstone.StoragePool == pool)
        .Select(tombstone => RemovalDecider.SnapshotOf(tombstone.Target))
        .Where(named => named?.Volume == volume && !scene.Orders.HasSnapshot(named.Value.Snapshot))
        .Select(named => named!.Value.Snapshot);
}
