using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Storage;

/// <summary>Gives what is left of things a host that removes it, and deletes the tombstone when nothing is left.</summary>
/// <remarks>
/// A tombstone loses its host only when that host is gone, by the database. One of a snapshot is worked off by the host that
/// keeps the volume, since two would write into one object.
/// </remarks>
internal sealed class TombstoneOrders(StorageRows rows) : IStorageRule
{
    private readonly SortedSet<Guid> _open = [];
    private bool _wanted;

    public bool IsWanted => _wanted && _open.Count > 0;

    public void LookAgain() => _wanted = true;

    public void Settled(ChangeSet changes)
    {
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.Tombstone)
                Consider(changes.After, Guid.Parse(transition.Key.Text));
            else if (transition.Entity == rows.HostTombstone)
                Consider(changes.After, Guid.Parse(transition.Key.Parts[1]));
            else if (transition.Entity == rows.Host || transition.Entity == rows.HostStoragePool
                || (transition.Entity == rows.HostVolume && transition.Changed(RowPart.Desired)))
                _wanted = true;
        }
    }

    public IEnumerable<Decision> Decide(StateSnapshot state)
    {
        _wanted = false;
        var given = new Dictionary<Guid, int>();
        foreach (var uuid in _open)
        {
            var tombstone = (TombstoneDesired)state[rows.Tombstone].Find(uuid)!.Desired!;
            var key = RowKey.Of(uuid);
            if (IsDone(state, tombstone))
            {
                yield return new Decision(uuid, $"Nothing is left of {tombstone.Type} {tombstone.Target}.",
                [
                    new RowWrite.Update(rows.Tombstone, key, tombstone, tombstone with { Done = true }),
                    new RowWrite.Delete(rows.Tombstone, key),
                ]);
            }
            else if (Remover(state, tombstone, given) is { } host)
            {
                given[host] = given.GetValueOrDefault(host) + 1;
                yield return new Decision(uuid, $"Host {host} removes what is left of {tombstone.Type} {tombstone.Target}.",
                    [new RowWrite.Update(rows.Tombstone, key, tombstone, tombstone with { Host = host })]);
            }
        }
    }

    private void Consider(StateSnapshot state, Guid uuid)
    {
        if (state[rows.Tombstone].Find(uuid)?.Desired is TombstoneDesired tombstone && (tombstone.Host is null || IsDone(state, tombstone)))
        {
            _open.Add(uuid);
            _wanted = true;
        }
        else
        {
            _open.Remove(uuid);
        }
    }

    /// <summary>An operator said so, or the host that is to remove it; what another host says of it is about what that one had.</summary>
    private bool IsDone(StateSnapshot state, TombstoneDesired tombstone) => tombstone.Done || (tombstone.Host is { } host
        && state[rows.HostTombstone].Find(RowKey.Of(host.ToString(), tombstone.Uuid.ToString()))?.Current
            is HostTombstoneCurrent { Status: RemovalStatus.Removed });

    private Guid? Remover(StateSnapshot state, TombstoneDesired tombstone, Dictionary<Guid, int> given)
    {
        if (tombstone.Volume is { } volume)
            return rows.KeepingHostOf(state, volume);
        return rows.ReadyIn(state, tombstone.StoragePool)
            .OrderBy(host => state[rows.Tombstone].CountWhere("host", host.Host.ToString()) + given.GetValueOrDefault(host.Host))
            .FirstOrDefault()?.Host;
    }
}
