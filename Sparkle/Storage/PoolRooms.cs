using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Storage;

/// <summary>What hosts have left in their pools, counted anew from the rows for each look, so that it cannot drift.</summary>
internal sealed class PoolRooms(StorageRows rows, StateSnapshot state)
{
    // MiB that volumes will take which hosts are to make and have not made, copies of volumes that come among them; of a shared pool under no host.
    private readonly Dictionary<(Guid Pool, Guid? Host), long> _promised = [];

    // MiB that all kept volumes of a pool may take.
    private readonly Dictionary<Guid, long> _ordered = [];

    /// <summary>MiB that a host could still give to volumes; where that is decided elsewhere (units, extents), or nobody knows, as much as there may be.</summary>
    public long Of(HostStoragePoolCurrent ready, StoragePoolDesired pool)
    {
        Count(pool);
        var limit = pool.Size is { } size ? size - _ordered[pool.Uuid] : long.MaxValue;
        if (pool.Type is StoragePoolType.Iscsi or StoragePoolType.SharedLvm || ready.Available is not { } available)
            return limit;
        return Math.Min(limit, available - _promised.GetValueOrDefault((pool.Uuid, pool.Shareable ? null : ready.Host)));
    }

    /// <summary>MiB that a host could still give to copies of volumes that the pool has already, on another host.</summary>
    public long ForCopies(HostStoragePoolCurrent ready, StoragePoolDesired pool)
    {
        Count(pool);
        return ready.Available is { } available ? available - _promised.GetValueOrDefault((pool.Uuid, pool.Shareable ? null : ready.Host)) : long.MaxValue;
    }

    public void Take(Guid host, StoragePoolDesired pool, long size)
    {
        Count(pool);
        Promise(pool, host, size);
    }

    private void Count(StoragePoolDesired pool)
    {
        if (!_ordered.TryAdd(pool.Uuid, 0))
            return;
        foreach (var volume in rows.VolumesBy(state, "storage_pool", pool.Uuid))
        {
            if (rows.KeeperOf(state, volume.Uuid) is { Desired: HostVolumeDesired kept })
            {
                if (volume.Content == VolumeContent.Made)
                    _ordered[pool.Uuid] += volume.Size;
                else
                    Promise(pool, kept.Host, volume.Size);
            }
            // It takes the place of the one that is there, so the pool as a whole has no more in it than before.
            foreach (var row in rows.CopiesOf(state, volume.Uuid).Where(row => !IsWhole(row)))
                PromiseAt(pool, ((HostVolumeCopyDesired)row.Desired!).Host, volume.Size);
        }
    }

    private static bool IsWhole(Row copy) => copy is
    {
        Desired: HostVolumeCopyDesired { Fill: CopyFill.Fetch } wanted,
        Current: HostVolumeCopyCurrent { Status: StorageStatus.Ready } said,
    } && said.Generation == wanted.Generation;

    private void Promise(StoragePoolDesired pool, Guid host, long size)
    {
        PromiseAt(pool, host, size);
        _ordered[pool.Uuid] += size;
    }

    private void PromiseAt(StoragePoolDesired pool, Guid host, long size)
    {
        var whose = (pool.Uuid, pool.Shareable ? (Guid?)null : host);
        _promised[whose] = _promised.GetValueOrDefault(whose) + size;
    }
}
