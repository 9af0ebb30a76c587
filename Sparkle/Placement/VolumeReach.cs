using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Storage;

namespace PonyCloud.Sparkle.Placement;

/// <summary>Which hosts reach all volumes that an instance has: those that have the pools, and of a pool of a host's own the keeper.</summary>
internal sealed class VolumeReach(EntityCatalog catalog)
{
    private readonly StorageRows _rows = new(catalog);

    /// <summary>Whether a change of the entity may let an instance reach its volumes.</summary>
    public bool Concerns(Entity entity) =>
        entity == _rows.HostStoragePool || entity == _rows.HostVolume || entity == _rows.Vdisk || entity == _rows.Volume || entity == _rows.StoragePool;

    /// <summary>The hosts; null for every host.</summary>
    /// <param name="why">When there is none: what is in the way, in words for the instance's owner.</param>
    public IReadOnlySet<Guid>? HostsOf(StateSnapshot state, Guid instance, out string why)
    {
        why = "";
        HashSet<Guid>? hosts = null;
        foreach (var uuid in _rows.VolumesOf(state, instance))
        {
            if (_rows.VolumeOf(state, uuid) is not { } volume || _rows.PoolOf(state, volume.StoragePool) is not { } pool)
                continue;
            var reaching = _rows.ReadyIn(state, pool.Uuid).Select(ready => ready.Host).ToHashSet();
            if (!pool.Shareable)
            {
                if (_rows.KeepingHostOf(state, uuid) is not { } keeper)
                    return Nobody($"Its volume {volume.Name} is on no host.", out why);
                reaching.RemoveWhere(host => host != keeper);
            }
            if (reaching.Count == 0)
                return Nobody($"No host that is present reaches its volume {volume.Name}.", out why);
            if (hosts is null)
                hosts = reaching;
            else
                hosts.IntersectWith(reaching);
        }
        return hosts is { Count: 0 } ? Nobody("No host reaches all of its volumes.", out why) : hosts;
    }

    private static HashSet<Guid> Nobody(string words, out string why)
    {
        why = words;
        return [];
    }
}
