using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Storage;

/// <summary>What the rooms' rules ask of the rows. Pure functions of a snapshot.</summary>
internal sealed class StorageRows(EntityCatalog catalog)
{
    public Entity Host { get; } = catalog["host"];

    public Entity HostInstance { get; } = catalog["host_instance"];

    public Entity HostOrphan { get; } = catalog["host_orphan"];

    public Entity HostStoragePool { get; } = catalog["host_storage_pool"];

    public Entity HostTombstone { get; } = catalog["host_tombstone"];

    public Entity HostVolume { get; } = catalog["host_volume"];

    public Entity HostVolumeCopy { get; } = catalog["host_volume_copy"];

    public Entity Image { get; } = catalog["image"];

    public Entity ImageCopy { get; } = catalog["image_copy"];

    public Entity Snapshot { get; } = catalog["snapshot"];

    public Entity StoragePool { get; } = catalog["storage_pool"];

    public Entity Tombstone { get; } = catalog["tombstone"];

    public Entity Vdisk { get; } = catalog["vdisk"];

    public Entity Volume { get; } = catalog["volume"];

    public VolumeDesired? VolumeOf(StateSnapshot state, Guid volume) => state[Volume].Find(volume)?.Desired as VolumeDesired;

    public StoragePoolDesired? PoolOf(StateSnapshot state, Guid pool) => state[StoragePool].Find(pool)?.Desired as StoragePoolDesired;

    /// <summary>The row of the host that keeps the volume; null when none does.</summary>
    public Row? KeeperOf(StateSnapshot state, Guid volume) =>
        state[HostVolume].Where("volume", volume.ToString()).FirstOrDefault(row => row.Desired is HostVolumeDesired kept && kept.Volume == volume);

    public Guid? KeepingHostOf(StateSnapshot state, Guid volume) => (KeeperOf(state, volume)?.Desired as HostVolumeDesired)?.Host;

    /// <summary>The host is heard of, and takes new work.</summary>
    public bool IsPresent(StateSnapshot state, Guid host) =>
        state[Host].Find(host) is { Desired: HostDesired { State: HostState.Present }, Current: HostCurrent { Status: HostStatus.Present } };

    /// <summary>What a present host says of a pool that it is to have and has; null for any other.</summary>
    public HostStoragePoolCurrent? Ready(StateSnapshot state, Guid host, Guid pool) =>
        IsPresent(state, host) && state[HostStoragePool].Find(RowKey.Of(host.ToString(), pool.ToString())) is
        { Desired: not null, Current: HostStoragePoolCurrent { Status: StorageStatus.Ready } ready }
            ? ready
            : null;

    /// <summary>The present hosts that have the pool, in the order of their uuids.</summary>
    public IEnumerable<HostStoragePoolCurrent> ReadyIn(StateSnapshot state, Guid pool) => state[HostStoragePool].Where("storage_pool", pool.ToString())
        .Select(row => Ready(state, Guid.Parse(row.Key.Parts[0]), pool))
        .OfType<HostStoragePoolCurrent>()
        .OrderBy(ready => ready.Host);

    /// <summary>The hosts where the instances that have the volume are placed.</summary>
    public IEnumerable<Guid> PlacesOf(StateSnapshot state, Guid volume) => InstancesOf(state, volume)
        .SelectMany(instance => state[HostInstance].Where("instance", instance.ToString()))
        .Select(row => row.Desired).OfType<HostInstanceDesired>().Select(place => place.Host);

    public IEnumerable<Guid> InstancesOf(StateSnapshot state, Guid volume) =>
        Disks(state, "volume", volume).Where(disk => disk.Volume == volume).Select(disk => disk.Instance);

    public IEnumerable<Guid> VolumesOf(StateSnapshot state, Guid instance) => DisksOf(state, instance).Select(disk => disk.Volume).OfType<Guid>();

    public IEnumerable<VdiskDesired> DisksOf(StateSnapshot state, Guid instance) =>
        Disks(state, "instance", instance).Where(disk => disk.Instance == instance);

    /// <summary>The copies of the volume that are made on hosts that do not keep it.</summary>
    public IEnumerable<Row> CopiesOf(StateSnapshot state, Guid volume) => state[HostVolumeCopy].Where("volume", volume.ToString())
        .Where(row => row.Desired is HostVolumeCopyDesired copy && copy.Volume == volume);

    public IEnumerable<VolumeDesired> VolumesBy(StateSnapshot state, string column, Guid value) =>
        state[Volume].Where(column, value.ToString()).Select(row => row.Desired).OfType<VolumeDesired>();

    private IEnumerable<VdiskDesired> Disks(StateSnapshot state, string column, Guid value) =>
        state[Vdisk].Where(column, value.ToString()).Select(row => row.Desired).OfType<VdiskDesired>();
}
