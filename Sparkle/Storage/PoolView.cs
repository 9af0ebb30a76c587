using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Storage;

/// <summary>Derives how a pool is from what hosts report of it, and how much its volumes may take. Owned by the control loop.</summary>
/// <remarks>
/// What volumes may take is kept as a sum, changed by exactly what changes of the rows: a pass over all volumes of a pool for
/// each new one would take ever longer.
/// </remarks>
internal sealed class PoolView(StorageRows rows) : IControlFeature
{
    private readonly Dictionary<Guid, long> _ordered = [];

    // As it was added.
    private readonly Dictionary<RowKey, VolumeDesired?> _counted = [];

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        var pools = new HashSet<Guid>();
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.StoragePool && transition.Changed(RowPart.Desired))
                pools.Add(Guid.Parse(transition.Key.Text));
            else if (transition.Entity == rows.HostStoragePool)
                pools.Add(Guid.Parse(transition.Key.Parts[1]));
            else if (transition.Entity == rows.Host)
                pools.UnionWith(changes.After[rows.HostStoragePool].Where("host", transition.Key).Select(row => Guid.Parse(row.Key.Parts[1])));
            else if (transition.Entity == rows.Volume && transition.Changed(RowPart.Desired))
                Count(transition, pools);
        }
        foreach (var pool in pools)
        {
            if (changes.After[rows.StoragePool].Find(pool) is { } row)
                yield return new RowChange(rows.StoragePool, row.Key, RowPart.Current, row.Desired is StoragePoolDesired desired ? Describe(changes.After, desired) : null);
        }
    }

    private void Count(RowTransition transition, HashSet<Guid> pools)
    {
        Add(_counted.GetValueOrDefault(transition.Key), -1, pools);
        var now = transition.After?.Desired as VolumeDesired;
        Add(now, 1, pools);
        if (now is null)
            _counted.Remove(transition.Key);
        else
            _counted[transition.Key] = now;
    }

    private void Add(VolumeDesired? volume, int sign, HashSet<Guid> pools)
    {
        if (volume is null)
            return;
        pools.Add(volume.StoragePool);
        if (volume.State == VolumeState.Deleted)
            return;
        var ordered = _ordered.GetValueOrDefault(volume.StoragePool) + sign * volume.Size;
        if (ordered == 0)
            _ordered.Remove(volume.StoragePool);
        else
            _ordered[volume.StoragePool] = ordered;
    }

    private StoragePoolCurrent Describe(StateSnapshot state, StoragePoolDesired pool)
    {
        var hosts = state[rows.HostStoragePool].Where("storage_pool", pool.Uuid.ToString()).Where(row => row.Desired is not null).ToList();
        var ready = rows.ReadyIn(state, pool.Uuid).ToList();
        // One pool that all see, or one on each host.
        var counted = pool.Shareable ? ready.Take(1).ToList() : ready;
        var reported = hosts.Select(row => row.Current).OfType<HostStoragePoolCurrent>().ToList();
        var status = ready.Count > 0 ? StorageStatus.Ready
            : hosts.Count > 0 && reported.TrueForAll(host => host.Status == StorageStatus.Preparing) ? StorageStatus.Preparing
            : StorageStatus.Broken;
        return new StoragePoolCurrent
        {
            Uuid = pool.Uuid,
            Status = status,
            Total = Sum(counted, host => host.Capacity),
            Available = Sum(counted, host => host.Available),
            Ordered = _ordered.GetValueOrDefault(pool.Uuid),
            Why = hosts.Count == 0 ? "No host is to have it."
                : reported.Find(host => host.Status == StorageStatus.Broken && host.Why is not null)?.Why
                ?? (status == StorageStatus.Broken ? "No host that has it is heard of." : null),
        };
    }

    private static long? Sum(List<HostStoragePoolCurrent> hosts, Func<HostStoragePoolCurrent, long?> amount) =>
        hosts.Count > 0 && hosts.TrueForAll(host => amount(host) is not null) ? hosts.Sum(amount) : null;
}
