using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Storage;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>Finds what goes along with instances, and what keeps it from doing so. Pure functions of a snapshot.</summary>
internal sealed class OwnVolumes(EntityCatalog catalog)
{
    private readonly StorageRows _rows = new(catalog);

    public VolumeMoves Of(StateSnapshot state, Guid instance)
    {
        var volumes = _rows.DisksOf(state, instance).Select(disk => Of(state, disk)).OfType<OwnVolume>().ToList();
        var copies = state[_rows.HostVolumeCopy].Where("instance", instance.ToString())
            .Where(row => row.Desired is HostVolumeCopyDesired copy && copy.Instance == instance)
            .Select(row => new VolumeCopy((HostVolumeCopyDesired)row.Desired!, row.Current as HostVolumeCopyCurrent)).ToList();
        return volumes.Count == 0 && copies.Count == 0 ? VolumeMoves.None : new VolumeMoves(volumes, copies);
    }

    /// <summary>Why the volumes of the instance are not reached by the host, and do not get there, in words for operators; null when they do.</summary>
    /// <param name="place">Where the instance is; null when it is nowhere.</param>
    public string? WhyNot(StateSnapshot state, Guid instance, VolumeMoves moves, Guid? place, Guid host)
    {
        var rooms = new PoolRooms(_rows, state);
        var needed = new Dictionary<Guid, long>();
        foreach (var disk in _rows.DisksOf(state, instance))
        {
            if (disk.Volume is not { } uuid || _rows.VolumeOf(state, uuid) is not { } volume || _rows.PoolOf(state, volume.StoragePool) is not { } pool)
                continue;
            var keeper = pool.Shareable ? host : _rows.KeepingHostOf(state, uuid);
            if (keeper != host && WhyNotCopied(state, moves, volume, pool, keeper, place, host) is { } why)
                return why;
            if (_rows.Ready(state, host, pool.Uuid) is not { } ready)
                return $"It does not reach the volume {volume.Name}: the pool {pool.Name} is not ready there.";
            if (keeper == host || moves.Copies.Any(copy => copy.Row.Host == host && copy.Row.Volume == uuid))
                continue;
            needed[pool.Uuid] = needed.GetValueOrDefault(pool.Uuid) + volume.Size;
            if (rooms.ForCopies(ready, pool) < needed[pool.Uuid])
                return Text($"Its volume {volume.Name} has to be copied, and the pool {pool.Name} has no room for {needed[pool.Uuid]} MiB there.");
        }
        return null;
    }

    private string? WhyNotCopied(
        StateSnapshot state, VolumeMoves moves, VolumeDesired volume, StoragePoolDesired pool, Guid? keeper, Guid? place, Guid host)
    {
        if (keeper is null)
        {
            if (place is not null || volume.Content != VolumeContent.Made)
                return $"Its volume {volume.Name} is on no host.";
            var whole = moves.Copies.Where(copy => copy.Row.Volume == volume.Uuid && copy is { Row.Fill: CopyFill.Fetch, IsReady: true }).ToList();
            return whole.Exists(copy => copy.Row.Host == host) ? null
                : whole.Count > 0 ? $"Its volume {volume.Name} was on a host that is gone, and {NameOf(state, whole[0].Row.Host)} has the whole copy of it."
                : $"Its volume {volume.Name} was on a host that is gone, and no whole copy of it is there.";
        }
        if (place is null)
            return $"Its volume {volume.Name} is in {pool.Name}, a pool of the host's own, and is reached by no other host.";
        if (keeper != place)
            return $"Its volume {volume.Name} is kept by {NameOf(state, keeper.Value)}, and the instance is at {NameOf(state, place.Value)}.";
        if (moves.KeptBy(place.Value).FirstOrDefault(own => own.Volume.Uuid == volume.Uuid)?.Obstacle is { } obstacle)
            return obstacle;
        return _rows.KeeperOf(state, volume.Uuid)?.Current is HostVolumeCurrent { Status: StorageStatus.Ready } kept
            && (kept.Generation is null || kept.Generation == volume.Generation)
                ? null
                : $"Its volume {volume.Name} is not ready at {NameOf(state, place.Value)}.";
    }

    private OwnVolume? Of(StateSnapshot state, VdiskDesired disk) =>
        disk.Volume is { } uuid && _rows.VolumeOf(state, uuid) is { } volume && _rows.PoolOf(state, volume.StoragePool) is { Shareable: false } pool
            ? new OwnVolume(volume, disk, _rows.KeeperOf(state, uuid)?.Desired as HostVolumeDesired, ObstacleOf(state, volume, pool))
            : null;

    private string? ObstacleOf(StateSnapshot state, VolumeDesired volume, StoragePoolDesired pool)
    {
        var why = volume switch
        {
            _ when pool.Type is StoragePoolType.Iscsi or StoragePoolType.SharedLvm => $"is in {pool.Name}, and volumes of such a pool are not copied",
            { Content: not VolumeContent.Made } => "is not made yet",
            { Revert: not null } => "is being reverted",
            { Image: not null } => "holds an image",
            // That is what the row says, so it cannot change unseen between the look at it and the writing.
            { Shareable: true } => "may be had by other instances too",
            _ when state[_rows.Snapshot].CountWhere("volume", volume.Uuid.ToString()) > 0 => "has snapshots, and a copy of it would have none",
            _ when _rows.VolumesBy(state, "base_volume", volume.Uuid).Any() => "is being copied to another volume",
            _ => null,
        };
        return why is null ? null : $"Its volume {volume.Name} {why}.";
    }

    private string NameOf(StateSnapshot state, Guid host) => (state[_rows.Host].Find(host)?.Desired as HostDesired)?.Name ?? host.ToString();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
