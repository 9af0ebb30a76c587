using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Storage;

/// <summary>
/// Which host is to keep a volume, for one look at the rows: what is given to one volume is not offered to the next.
/// </summary>
/// <remarks>Words of why not are for the owner of the volume, and name no host.</remarks>
internal sealed class KeeperChoice(StorageRows rows, StateSnapshot state)
{
    private readonly PoolRooms _rooms = new(rows, state);
    private readonly Dictionary<Guid, Guid> _chosen = [];

    /// <summary>The host; null when there is none.</summary>
    public Guid? Take(VolumeDesired volume, StoragePoolDesired pool, VolumeSource source, out string why)
    {
        var ready = rows.ReadyIn(state, pool.Uuid).ToList();
        var host = ready.Count == 0
            ? Nobody("No host that is present has its pool ready.", out why)
            : volume is { Content: not VolumeContent.Made, State: VolumeState.Present } ? Maker(volume, pool, source, ready, out why) : Finder(volume, pool, ready, out why);
        if (host is { } chosen)
            _chosen[volume.Uuid] = chosen;
        return host;
    }

    /// <summary>Whoever has the content that is there.</summary>
    private Guid? Finder(VolumeDesired volume, StoragePoolDesired pool, List<HostStoragePoolCurrent> ready, out string why)
    {
        why = "";
        if (pool.Shareable)
            return Best(ready, pool);
        // As it is called in a pool: the pool, a colon, volume, its uuid, a dot and the generation.
        var name = string.Create(CultureInfo.InvariantCulture, $"{pool.Uuid}:volume-{volume.Uuid}.{volume.Generation}");
        var found = ready.Find(host => state[rows.HostOrphan].Find(RowKey.Of(host.Host.ToString(), name))?.Current is not null);
        return found?.Host ?? Nobody("The host that had it is gone, and no other has it.", out why);
    }

    private Guid? Maker(VolumeDesired volume, StoragePoolDesired pool, VolumeSource source, List<HostStoragePoolCurrent> ready, out string why)
    {
        if (source.Volume is { } from)
        {
            if (rows.VolumeOf(state, from) is not { } origin || rows.PoolOf(state, origin.StoragePool) is not { } originPool)
                return Nobody("The volume that it is to be made from is not there.", out why);
            if (originPool.Shareable)
                ready.RemoveAll(host => rows.Ready(state, host.Host, originPool.Uuid) is null);
            else if (KeepingHostOf(from) is { } keeper)
                ready.RemoveAll(host => host.Host != keeper);
            else
                return Nobody("The volume that it is to be made from is on no host yet.", out why);
            if (ready.Count == 0)
                return Nobody("No host has its pool and reaches the volume that it is to be made from.", out why);
        }
        if (!pool.Shareable)
        {
            foreach (var place in Companions(volume))
                ready.RemoveAll(host => host.Host != place);
            if (ready.Count == 0)
                return Nobody("The host of its instance, or of the instance's other volumes, does not have its pool, or not what it is to be made from.", out why);
        }
        ready.RemoveAll(host => _rooms.Of(host, pool) < volume.Size);
        if (ready.Count == 0)
            return Nobody(string.Create(CultureInfo.InvariantCulture, $"Its pool has no room for {volume.Size} MiB."), out why);
        why = "";
        var best = Best(ready, pool);
        _rooms.Take(best, pool, volume.Size);
        return best;
    }

    /// <summary>Where a volume of the host's own must be: an instance sees volumes of one host only.</summary>
    private IEnumerable<Guid> Companions(VolumeDesired volume)
    {
        foreach (var place in rows.PlacesOf(state, volume.Uuid))
            yield return place;
        foreach (var other in rows.InstancesOf(state, volume.Uuid).SelectMany(instance => rows.VolumesOf(state, instance)))
        {
            if (other != volume.Uuid
                && rows.VolumeOf(state, other) is { } sibling
                && rows.PoolOf(state, sibling.StoragePool) is { Shareable: false }
                && KeepingHostOf(other) is { } keeper)
                yield return keeper;
        }
    }

    private Guid? KeepingHostOf(Guid volume) => _chosen.TryGetValue(volume, out var chosen) ? chosen : rows.KeepingHostOf(state, volume);

    /// <summary>The one with the most room, then the one that has the fewest to keep.</summary>
    private Guid Best(List<HostStoragePoolCurrent> ready, StoragePoolDesired pool) => ready
        .OrderByDescending(host => _rooms.Of(host, pool))
        .ThenBy(host => state[rows.HostVolume].CountWhere("host", host.Host.ToString()) + _chosen.Count(chosen => chosen.Value == host.Host))
        .ThenBy(host => host.Host)
        .First().Host;

    private static Guid? Nobody(string words, out string why)
    {
        why = words;
        return null;
    }
}
