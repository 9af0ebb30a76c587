using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Storage;

/// <summary>What hosts have left in their pools, counted anew from the rows for each look, so that it cannot drift.</summary>
internal sealed class PoolRooms(StorageRows rows, StateSnapshot state)
{
    // MiB that volumes will take which hosts are to make and have not made; of a shared pool under no host.
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
            if (rows.KeeperOf(state, volume.Uuid) is not { Desired: HostVolumeDesired kept })
                continue;
            if (volume.Content == VolumeContent.Made)
                _ordered[pool.Uuid] += volume.Size;
            else
                Promise(pool, kept.Host, volume.Size);
        }
    }

    private void Promise(StoragePoolDesired pool, Guid host, long size)
    {
        var whose = (pool.Uuid, pool.Shareable ? (Guid?)null : host);
        _promised[whose] = _promised.GetValueOrDefault(whose) + size;
        _ordered[pool.Uuid] += size;
    }
}
