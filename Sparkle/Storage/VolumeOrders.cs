using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Storage;

/// <summary>
/// Takes back the orders that the keeper of a volume says it has carried out: the content is made, the revert is done, the space by
/// which it grows is wiped.
/// </summary>
/// <remarks>
/// On condition that the row is as it was looked at, and of the very generation that the keeper reports. So an order that came
/// meanwhile is never taken for one that was carried out.
/// </remarks>
internal sealed class VolumeOrders(StorageRows rows) : IStorageRule
{
    private readonly SortedSet<Guid> _open = [];

    public bool IsWanted { get; private set; }

    public void LookAgain() => IsWanted = _open.Count > 0;

    public void Settled(ChangeSet changes)
    {
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.Volume && transition.Changed(RowPart.Desired))
                Consider(changes.After, Guid.Parse(transition.Key.Text));
            else if (transition.Entity == rows.HostVolume)
                Consider(changes.After, Guid.Parse(transition.Key.Parts[1]));
        }
    }

    public IEnumerable<Decision> Decide(StateSnapshot state)
    {
        IsWanted = false;
        foreach (var uuid in _open)
        {
            var volume = rows.VolumeOf(state, uuid)!;
            var done = Done(state, volume);
            yield return new Decision(
                uuid, $"What was ordered of volume {uuid} is done.", [new RowWrite.Update(rows.Volume, RowKey.Of(uuid), volume, done)]);
        }
    }

    private void Consider(StateSnapshot state, Guid uuid)
    {
        if (rows.VolumeOf(state, uuid) is { } volume && Done(state, volume) != volume)
        {
            _open.Add(uuid);
            IsWanted = true;
        }
        else
        {
            _open.Remove(uuid);
        }
    }

    /// <summary>The volume without the orders that are carried out.</summary>
    private VolumeDesired Done(StateSnapshot state, VolumeDesired volume)
    {
        if (rows.KeeperOf(state, volume.Uuid)?.Current is not HostVolumeCurrent kept)
            return volume;
        if (volume.Content != VolumeContent.Made && kept.Generation == volume.Generation)
            volume = volume with { Content = VolumeContent.Made, BaseImage = null, BaseVolume = null, Cleared = kept.Cleared };
        else if (kept.Generation == volume.Generation && kept.Cleared > (volume.Cleared ?? 0))
            volume = volume with { Cleared = kept.Cleared };
        return volume.Revert is not null && kept.Reverts == volume.Reverts ? volume with { Revert = null } : volume;
    }
}
