using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Storage;

/// <summary>
/// Derives what no row at all explains from what single hosts cannot explain: in a shared pool the row may be with another host.
/// Owned by the control loop.
/// </summary>
internal sealed class OrphanView(EntityCatalog catalog, StorageRows rows) : IControlFeature
{
    private readonly Entity _orphan = catalog["orphan"];
    private readonly Entity _snapshot = catalog["snapshot"];

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var pools = new HashSet<string>(StringComparer.Ordinal);
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.HostOrphan)
                names.Add(transition.Key.Parts[1]);
            else if (transition.Entity == rows.Volume && transition.Changed(RowPart.Desired))
                AddPool((transition.After ?? transition.Before)!.Desired as VolumeDesired, transition.Before?.Desired as VolumeDesired, pools);
            else if (PoolExplainedBy(transition) is { } pool)
                pools.Add(pool.ToString());
        }
        foreach (var pool in pools)
            names.UnionWith(changes.After[rows.HostOrphan].Where("storage_pool", pool).Select(row => row.Key.Parts[1]));
        foreach (var name in names)
            yield return new RowChange(_orphan, RowKey.Of(name), RowPart.Current, Describe(changes.After, name));
    }

    private static void AddPool(VolumeDesired? now, VolumeDesired? before, HashSet<string> pools)
    {
        foreach (var volume in (VolumeDesired?[])[now, before])
        {
            if (volume is not null)
                pools.Add(volume.StoragePool.ToString());
        }
    }

    private Guid? PoolExplainedBy(RowTransition transition) =>
        transition.Entity == rows.ImageCopy ? ((transition.After ?? transition.Before)!.Desired as ImageCopyDesired)?.StoragePool
        : transition.Entity == rows.Tombstone ? ((transition.After ?? transition.Before)!.Desired as TombstoneDesired)?.StoragePool
        : null;

    private OrphanCurrent? Describe(StateSnapshot state, string name)
    {
        // A pool that is a host's own has the same names on several hosts; the pool is in the name, so any of them will do.
        var pool = name.Split(':', 2)[0];
        var found = state[rows.HostOrphan].Where("storage_pool", pool)
            .Where(row => row.Key.Parts[1] == name).Select(row => row.Current).OfType<HostOrphanCurrent>()
            .Where(orphan => !IsExplained(state, orphan)).MinBy(orphan => orphan.Host);
        return found is null ? null : new OrphanCurrent
        {
            Name = name,
            StoragePool = found.StoragePool,
            Host = found.Host,
            Type = found.Type,
            Target = found.Target,
            Size = found.Size,
        };
    }

    private bool IsExplained(StateSnapshot state, HostOrphanCurrent orphan)
    {
        var target = orphan.Target?.ToString();
        if (state[rows.Tombstone].Where("storage_pool", orphan.StoragePool.ToString()).Select(row => row.Desired).OfType<TombstoneDesired>()
            .Any(left => left.Target == orphan.Name || left.Target == target))
            return true;
        var isShared = rows.PoolOf(state, orphan.StoragePool) is { Shareable: true };
        return orphan is { Target: { } uuid } && orphan.Type switch
        {
            OrphanType.Volume or OrphanType.Partial when rows.VolumeOf(state, uuid) is { } volume => volume.StoragePool == orphan.StoragePool
                && rows.KeepingHostOf(state, uuid) is { } keeper && (isShared || keeper == orphan.Host)
                && (orphan.Type == OrphanType.Volume || volume.Content != VolumeContent.Made),
            OrphanType.Image or OrphanType.Partial => state[rows.ImageCopy].Where("image", uuid.ToString()).Select(row => row.Desired)
                .OfType<ImageCopyDesired>().Any(copy => copy.StoragePool == orphan.StoragePool && (isShared || copy.Host == orphan.Host)),
            OrphanType.Snapshot => state[_snapshot].Find(uuid)?.Desired is not null,
            _ => false,
        };
    }
}
