using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Storage;

/// <summary>
/// Gives every volume that is to be made, or is somewhere, the host that keeps it, and what that host needs for it: the volume
/// to copy from, a copy of the image, a logical unit.
/// </summary>
/// <remarks>
/// A keeper is never replaced here. When its host is gone the database takes it away, and only then another is sought: two that
/// make one volume would spoil each other's work.
/// </remarks>
internal sealed class VolumePlaces(StorageRows rows, Func<Guid> makeUuid) : IStorageRule
{
    private readonly SortedSet<Guid> _open = [];
    private readonly Dictionary<Guid, string> _why = [];
    private readonly HashSet<Guid> _explained = [];
    private bool _wanted;

    public bool IsWanted => _wanted && _open.Count > 0;

    /// <summary>Why the volume cannot be made, in words for its owner; null when nothing is missing.</summary>
    public string? WhyNot(Guid volume) => _open.Contains(volume) ? _why.GetValueOrDefault(volume, "A place for it is being sought.") : null;

    public void LookAgain() => _wanted = true;

    public void Settled(ChangeSet changes)
    {
        var concerned = new HashSet<Guid>();
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.Volume && transition.Changed(RowPart.Desired))
                AddVolume(changes.After, transition, concerned);
            else if (transition.Entity == rows.HostVolume && transition.Changed(RowPart.Desired))
                concerned.Add(Guid.Parse(transition.Key.Parts[1]));
            else if (transition.Entity == rows.ImageCopy)
                AddFilledFrom(changes.After, ((transition.After ?? transition.Before)!.Desired as ImageCopyDesired)?.Image, concerned);
            else if (transition.Entity == rows.Image && transition.Changed(RowPart.Desired))
                AddFilledFrom(changes.After, Guid.Parse(transition.Key.Text), concerned);
            else if (transition.Entity == rows.Host || transition.Entity == rows.HostStoragePool || transition.Entity == rows.HostOrphan
                || transition.Entity == rows.HostInstance || transition.Entity == rows.Vdisk
                || transition.Entity == rows.StoragePool || transition.Entity == rows.Tombstone)
                _wanted = true;
        }
        foreach (var volume in concerned)
            Consider(changes.After, volume);
    }

    /// <summary>The volumes whose <see cref="WhyNot"/> changed since the last call.</summary>
    public IReadOnlyList<Guid> TakeExplained()
    {
        var explained = _explained.ToArray();
        _explained.Clear();
        return explained;
    }

    public IEnumerable<Decision> Decide(StateSnapshot state)
    {
        _wanted = false;
        var choice = new KeeperChoice(rows, state);
        var units = new FreeUnits(rows, state);
        var copied = new HashSet<(Guid Image, Guid Pool, Guid? Host)>();
        foreach (var uuid in _open)
        {
            if (rows.VolumeOf(state, uuid) is not { } volume || rows.PoolOf(state, volume.StoragePool) is not { } pool)
                continue;
            var source = VolumeSource.Of(rows, state, volume);
            var writes = new List<RowWrite>();
            var what = "";
            var why = source.Why;
            var keeper = rows.KeeperOf(state, uuid)?.Desired as HostVolumeDesired;
            if (keeper is null && why is null && choice.Take(volume, pool, source, out why) is { } host)
            {
                keeper = new HostVolumeDesired { Host = host, Volume = uuid, SourceVolume = source.Volume };
                writes.Add(new RowWrite.Insert(rows.HostVolume, keeper));
                what = Text($"Host {host} keeps volume {uuid}.");
                why = null;
            }
            else if (keeper is not null && why is null && keeper.SourceVolume != source.Volume)
            {
                writes.Add(new RowWrite.Update(rows.HostVolume, rows.HostVolume.KeyOf(RowPart.Desired, keeper), keeper, keeper with { SourceVolume = source.Volume }));
                what = Text($"Volume {uuid} is made from another source.");
            }
            if (keeper is not null && source.Image is { } image && LacksCopy(state, image, pool, keeper.Host)
                && copied.Add((image, pool.Uuid, pool.Shareable ? null : keeper.Host)))
            {
                writes.Add(new RowWrite.Insert(rows.ImageCopy, new ImageCopyDesired { Uuid = makeUuid(), Image = image, StoragePool = pool.Uuid, Host = keeper.Host }));
                what += Text($" Host {keeper.Host} fetches image {image}.");
            }
            if (keeper is not null && LacksUnit(volume, pool))
            {
                if (units.Take(pool.Uuid, volume.Size) is { } unit)
                {
                    writes.Add(new RowWrite.Update(rows.Volume, RowKey.Of(uuid), volume, volume with { Unit = unit }));
                    what += Text($" Volume {uuid} is unit {unit} of its pool.");
                }
                else
                {
                    why = Text($"Its pool has no free logical unit of {volume.Size} MiB or more.");
                }
            }
            Explain(uuid, why);
            if (writes.Count > 0)
                yield return new Decision(uuid, what.Trim(), writes);
        }
    }

    private void AddVolume(StateSnapshot state, RowTransition transition, HashSet<Guid> concerned)
    {
        var uuid = Guid.Parse(transition.Key.Text);
        concerned.Add(uuid);
        // Those that are made from it, or from an image that it holds or held.
        concerned.UnionWith(rows.VolumesBy(state, "base_volume", uuid).Select(other => other.Uuid));
        AddFilledFrom(state, (transition.Before?.Desired as VolumeDesired)?.Image, concerned);
        AddFilledFrom(state, (transition.After?.Desired as VolumeDesired)?.Image, concerned);
    }

    private void AddFilledFrom(StateSnapshot state, Guid? image, HashSet<Guid> concerned)
    {
        if (image is { } from)
            concerned.UnionWith(rows.VolumesBy(state, "base_image", from).Where(volume => volume.BaseImage == from).Select(volume => volume.Uuid));
    }

    /// <summary>Whether something of the volume is to be decided, from what is true now.</summary>
    private void Consider(StateSnapshot state, Guid uuid)
    {
        if (IsOpen(state, uuid))
        {
            _open.Add(uuid);
            _explained.Add(uuid);
            _wanted = true;
            return;
        }
        _why.Remove(uuid);
        if (_open.Remove(uuid))
            _explained.Add(uuid);
    }

    private bool IsOpen(StateSnapshot state, Guid uuid)
    {
        if (rows.VolumeOf(state, uuid) is not { } volume || rows.PoolOf(state, volume.StoragePool) is not { } pool)
            return false;
        var isSomewhere = volume.Content == VolumeContent.Made;
        if (rows.KeeperOf(state, uuid)?.Desired is not HostVolumeDesired keeper)
            return isSomewhere || volume.State == VolumeState.Present || (volume.Generation > 1 && pool.Shareable);
        var source = VolumeSource.Of(rows, state, volume);
        return source.Why is not null
            || keeper.SourceVolume != source.Volume
            || (source.Image is { } image && LacksCopy(state, image, pool, keeper.Host))
            || LacksUnit(volume, pool);
    }

    private static bool LacksUnit(VolumeDesired volume, StoragePoolDesired pool) =>
        pool.Type == StoragePoolType.Iscsi && volume is { Unit: null, State: VolumeState.Present, Content: not VolumeContent.Made };

    /// <summary>One copy serves all who reach it.</summary>
    private bool LacksCopy(StateSnapshot state, Guid image, StoragePoolDesired pool, Guid host) => !state[rows.ImageCopy]
        .Where("image", image.ToString()).Select(row => row.Desired).OfType<ImageCopyDesired>()
        .Any(copy => copy.Image == image && copy.StoragePool == pool.Uuid && (pool.Shareable || copy.Host == host));

    private void Explain(Guid volume, string? why)
    {
        if (_why.GetValueOrDefault(volume) == why)
            return;
        if (why is null)
            _why.Remove(volume);
        else
            _why[volume] = why;
        _explained.Add(volume);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
