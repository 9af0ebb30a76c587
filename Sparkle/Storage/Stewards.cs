using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Storage;

/// <summary>
/// Every pool that hosts share has one of them as steward, which looks through all of it for what nobody knows. It stays where it
/// is while that host is there; another one only looks, so nothing is spoilt by two of them.
/// </summary>
internal sealed class Stewards(StorageRows rows) : IStorageRule
{
    private readonly SortedSet<Guid> _open = [];

    // What is not written is to be decided again.
    private readonly SortedSet<Guid> _decided = [];

    public bool IsWanted => _open.Count > 0;

    public void LookAgain()
    {
        _open.UnionWith(_decided);
        _decided.Clear();
    }

    public void Settled(ChangeSet changes)
    {
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.HostStoragePool)
                _open.Add(Guid.Parse(transition.Key.Parts[1]));
            else if (transition.Entity == rows.StoragePool && transition.Changed(RowPart.Desired))
                _open.Add(Guid.Parse(transition.Key.Text));
            else if (transition.Entity == rows.Host)
                _open.UnionWith(changes.After[rows.HostStoragePool].Where("host", transition.Key).Select(row => Guid.Parse(row.Key.Parts[1])));
        }
    }

    public IEnumerable<Decision> Decide(StateSnapshot state)
    {
        _decided.Clear();
        var pools = _open.ToArray();
        _open.Clear();
        foreach (var pool in pools)
        {
            if (rows.PoolOf(state, pool) is not { Shareable: true } || Decide(state, pool) is not { } decision)
                continue;
            _decided.Add(pool);
            yield return decision;
        }
    }

    private Decision? Decide(StateSnapshot state, Guid pool)
    {
        var hosts = state[rows.HostStoragePool].Where("storage_pool", pool.ToString()).Select(row => row.Desired).OfType<HostStoragePoolDesired>().ToList();
        var steward = hosts.Find(host => host.Steward);
        if (steward is not null && rows.Ready(state, steward.Host, pool) is not null)
            return null;
        var best = hosts.Where(host => rows.Ready(state, host.Host, pool) is not null).MinBy(host => host.Host);
        if (best is null)
            return null;
        var writes = new List<RowWrite>();
        // First the one that is it no longer: there is never more than one.
        if (steward is not null)
            writes.Add(Update(steward, false));
        writes.Add(Update(best, true));
        return new Decision(pool, $"Host {best.Host} is the steward of storage pool {pool}.", writes);
    }

    private RowWrite.Update Update(HostStoragePoolDesired row, bool isSteward) =>
        new(rows.HostStoragePool, rows.HostStoragePool.KeyOf(RowPart.Desired, row), row, row with { Steward = isSteward });
}
