using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What was ordered of this host's storage: the rows that matter, by what they are asked for.</summary>
public sealed record StorageOrders
{
    private ILookup<Guid?, SnapshotDesired>? _snapshotsOf;
    private ILookup<Guid?, ExtentDesired>? _extentsOf;
    private HashSet<Guid>? _snapshotUuids;

    /// <summary>Every pool that the host was told of.</summary>
    public IReadOnlyDictionary<Guid, StoragePoolDesired> Pools { get; init; } = new Dictionary<Guid, StoragePoolDesired>();

    /// <summary>The pools that an operator gave to the host.</summary>
    public IReadOnlyDictionary<Guid, HostStoragePoolDesired> OwnPools { get; init; } = new Dictionary<Guid, HostStoragePoolDesired>();

    /// <summary>Every volume that the host was told of: those that it keeps, that are copied, and that its instances have.</summary>
    public IReadOnlyDictionary<Guid, VolumeDesired> Volumes { get; init; } = new Dictionary<Guid, VolumeDesired>();

    /// <summary>The volumes that the host keeps, by uuid.</summary>
    public IReadOnlyDictionary<Guid, HostVolumeDesired> Kept { get; init; } = new Dictionary<Guid, HostVolumeDesired>();

    /// <summary>The copies of volumes that this host is to have, by volume.</summary>
    public IReadOnlyDictionary<Guid, HostVolumeCopyDesired> VolumeCopies { get; init; } = new Dictionary<Guid, HostVolumeCopyDesired>();

    /// <summary>Where the volumes of instances are read that come here without being on, by instance.</summary>
    public IReadOnlyDictionary<Guid, MigrationDoor> Doors { get; init; } = new Dictionary<Guid, MigrationDoor>();

    /// <summary>Which instances have a volume as their disk, by volume.</summary>
    public ILookup<Guid, Guid> Attached { get; init; } = Array.Empty<Guid>().ToLookup(volume => volume);

    public IReadOnlyList<SnapshotDesired> Snapshots { get; init; } = [];

    public IReadOnlyDictionary<Guid, ImageDesired> Images { get; init; } = new Dictionary<Guid, ImageDesired>();

    /// <summary>The copies that this host is to have.</summary>
    public IReadOnlyList<ImageCopyDesired> Copies { get; init; } = [];

    /// <summary>Those that are this host's to work off.</summary>
    public IReadOnlyList<TombstoneDesired> Tombstones { get; init; } = [];

    public IReadOnlyList<ExtentDesired> Extents { get; init; } = [];

    /// <summary>The disks of the instances that are to be on this host, or come to it.</summary>
    public IReadOnlyList<GuestDisk> Guests { get; init; } = [];

    /// <summary>The disks of pools that are made of such.</summary>
    public IReadOnlyDictionary<Guid, IReadOnlyList<PoolDisk>> Disks { get; init; } = new Dictionary<Guid, IReadOnlyList<PoolDisk>>();

    public static StorageOrders Read(StateSnapshot replica, EntityCatalog catalog, Guid host)
    {
        IEnumerable<T> Rows<T>(string entity) => replica[catalog[entity]].Rows.Select(row => row.Desired).OfType<T>();
        var moves = Rows<HostMigrationDesired>("host_migration").Where(move => move.Host == host).ToList();
        return new StorageOrders
        {
            Pools = Rows<StoragePoolDesired>("storage_pool").ToDictionary(pool => pool.Uuid),
            OwnPools = Rows<HostStoragePoolDesired>("host_storage_pool").Where(pool => pool.Host == host)
                .ToDictionary(pool => pool.StoragePool),
            Volumes = Rows<VolumeDesired>("volume").ToDictionary(volume => volume.Uuid),
            Kept = Rows<HostVolumeDesired>("host_volume").Where(volume => volume.Host == host).ToDictionary(volume => volume.Volume),
            VolumeCopies = Rows<HostVolumeCopyDesired>("host_volume_copy").Where(copy => copy.Host == host).ToDictionary(copy => copy.Volume),
            Doors = moves.Where(move => move.Role == MigrationRole.Stay).Select(MigrationOrder.Of).Where(move => move.Door is not null)
                .ToDictionary(move => move.Instance, move => move.Door!),
            Attached = Rows<VdiskDesired>("vdisk").Where(vdisk => vdisk.Volume is not null)
                .ToLookup(vdisk => vdisk.Volume!.Value, vdisk => vdisk.Instance),
            Snapshots = [.. Rows<SnapshotDesired>("snapshot")],
            Images = Rows<ImageDesired>("image").ToDictionary(image => image.Uuid),
            Copies = [.. Rows<ImageCopyDesired>("image_copy").Where(copy => copy.Host == host)],
            Tombstones = [.. Rows<TombstoneDesired>("tombstone").Where(tombstone => tombstone.Host == host && !tombstone.Done)],
            Extents = [.. Rows<ExtentDesired>("extent")],
            Guests = GuestsOf(replica, catalog, host, moves.Where(move => HostMigrations.IsComing(move.Role)).Select(move => move.Instance)),
            Disks = DisksOf(replica, catalog, host),
        };
    }

    /// <summary>Those of a volume, in the order of their uuids.</summary>
    public IEnumerable<SnapshotDesired> SnapshotsOf(Guid volume) =>
        (_snapshotsOf ??= Snapshots.OrderBy(snapshot => snapshot.Uuid).ToLookup(snapshot => snapshot.Volume))[volume];

    public bool HasSnapshot(Guid snapshot) => (_snapshotUuids ??= [.. Snapshots.Select(one => one.Uuid)]).Contains(snapshot);

    /// <summary>Those of a volume, or of a tombstone, in their order.</summary>
    public IReadOnlyList<ExtentDesired> ExtentsOf(Guid owner) =>
        [.. (_extentsOf ??= Extents.OrderBy(extent => extent.Order).ToLookup(extent => extent.Volume ?? extent.Tombstone))[owner]];

    /// <summary>An object of a volume, with its place in a pool of units or extents.</summary>
    /// <param name="record">What this host did for the volume.</param>
    public StorageObject ObjectOf(VolumeDesired volume, ObjectName name, VolumeRecord record) => new(name, volume.Size)
    {
        Unit = volume.Unit,
        Extents = ExtentsOf(volume.Uuid),
        // Objects with names see to that themselves, whatever somebody wrote.
        Cleared = volume.Unit is null && ExtentsOf(volume.Uuid).Count == 0 ? null
            : volume.Content == VolumeContent.Made ? volume.Cleared
            // Made here, and not noted yet.
            : record.Generation == volume.Generation && record.Cleared > 0 ? record.Cleared
            : null,
    };

    /// <summary>Null while the pool's row has not come.</summary>
    public PoolDefinition? DefinitionOf(Guid pool) => Pools.TryGetValue(pool, out var row)
        ? new PoolDefinition { Pool = row, Disks = Disks.GetValueOrDefault(pool, []) }
        : null;

    private static GuestDisk[] GuestsOf(StateSnapshot replica, EntityCatalog catalog, Guid host, IEnumerable<Guid> coming)
    {
        var instances = replica[catalog["host_instance"]].Where("host", host.ToString()).Select(row => row.Desired).OfType<HostInstanceDesired>()
            .Where(place => place.Host == host)
            .Select(place => place.Instance)
            .Union(coming)
            .Select(instance => replica[catalog["instance"]].Find(instance)?.Desired).OfType<InstanceDesired>()
            .ToDictionary(instance => instance.Uuid, instance => instance.State);
        return
        [
            .. replica[catalog["vdisk"]].Rows.Select(row => row.Desired).OfType<VdiskDesired>()
                .Where(vdisk => instances.ContainsKey(vdisk.Instance))
                .OrderBy(vdisk => vdisk.Uuid)
                .Select(vdisk => new GuestDisk(vdisk, instances[vdisk.Instance] != InstanceState.Stopped)),
        ];
    }

    private static Dictionary<Guid, IReadOnlyList<PoolDisk>> DisksOf(StateSnapshot replica, EntityCatalog catalog, Guid host)
    {
        var seen = replica[catalog["host_disk"]].Rows.Select(row => row.Current).OfType<HostDiskCurrent>()
            .Where(disk => disk.Host == host).ToDictionary(disk => disk.Disk);
        return replica[catalog["disk"]].Rows.Select(row => row.Desired).OfType<DiskDesired>()
            .Where(disk => disk.StoragePool is not null)
            .GroupBy(disk => disk.StoragePool!.Value)
            .ToDictionary(
                pool => pool.Key,
                pool => (IReadOnlyList<PoolDisk>)[.. pool.OrderBy(disk => disk.Id, StringComparer.Ordinal)
                    .Select(disk => new PoolDisk(disk.Id, seen.GetValueOrDefault(disk.Id)?.Path, disk.Size))]);
    }
}
