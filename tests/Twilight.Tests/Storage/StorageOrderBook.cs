using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Twilight.Tests.Storage;

/// <summary>The rows that a controller sends to a host, and what tests order in them.</summary>
internal sealed class StorageOrderBook(Guid host)
{
    public StateStore Store { get; } = new(EntityCatalog.Load());

    public static Guid Host { get; } = Guid.Parse("9ece4546-1199-42b0-acf5-1b68f393683a");

    public StateSnapshot Snapshot => Store.Snapshot;

    public Guid Pool(
        StoragePoolType type = StoragePoolType.Dir, bool shareable = false, string config = "{}", Guid? uuid = null, bool steward = false)
    {
        var pool = uuid ?? Guid.NewGuid();
        Set("storage_pool", new StoragePoolDesired
        {
            Uuid = pool,
            Name = $"pool of {type}",
            Type = type,
            Config = JsonText.Parse(config),
            Shareable = shareable,
        });
        Set("host_storage_pool", new HostStoragePoolDesired { Host = host, StoragePool = pool, Steward = steward });
        return pool;
    }

    public void LeavePool(Guid pool) => Remove("host_storage_pool", RowKey.Of(host.ToString(), pool.ToString()));

    public VolumeDesired Volume(
        Guid pool, long size = 16, Guid? baseImage = null, Guid? baseVolume = null, VolumeContent content = VolumeContent.Pending,
        Guid? uuid = null, int? unit = null, Guid? source = null)
    {
        var volume = new VolumeDesired
        {
            Uuid = uuid ?? Guid.NewGuid(),
            Name = "volume",
            Size = size,
            StoragePool = pool,
            BaseImage = baseImage,
            BaseVolume = baseVolume,
            Content = content,
            Unit = unit,
        };
        Set("volume", volume);
        Set("host_volume", new HostVolumeDesired { Host = host, Volume = volume.Uuid, SourceVolume = source ?? baseVolume });
        return volume;
    }

    public VolumeDesired Change(VolumeDesired volume)
    {
        Set("volume", volume);
        return volume;
    }

    /// <summary>As the controller does it when the host reported the content as complete.</summary>
    public VolumeDesired Made(VolumeDesired volume) =>
        Change(volume with { Content = VolumeContent.Made, BaseImage = null, BaseVolume = null });

    /// <summary>Deletes the row; as the database does it, a tombstone takes its place.</summary>
    public Guid Delete(VolumeDesired volume)
    {
        Remove("host_volume", RowKey.Of(host.ToString(), volume.Uuid.ToString()));
        Remove("volume", RowKey.Of(volume.Uuid));
        return Tombstone(TombstoneType.Volume, volume.Uuid.ToString(), volume.StoragePool, unit: volume.Unit);
    }

    public Guid Tombstone(TombstoneType type, string target, Guid pool, Guid? volume = null, int? unit = null)
    {
        var tombstone = Guid.NewGuid();
        Set("tombstone", new TombstoneDesired
        {
            Uuid = tombstone,
            Type = type,
            Target = target,
            Volume = volume,
            StoragePool = pool,
            Host = host,
            Unit = unit,
        });
        return tombstone;
    }

    public (Guid Image, Guid Copy) Image(Guid pool, string? source = "https://images.example/disk")
    {
        var image = Guid.NewGuid();
        var copy = Guid.NewGuid();
        Set("image", new ImageDesired { Uuid = image, Name = "image", SourceUri = source });
        Set("image_copy", new ImageCopyDesired { Uuid = copy, Image = image, StoragePool = pool, Host = host });
        return (image, copy);
    }

    public SnapshotDesired Snap(VolumeDesired volume, SnapshotState state = SnapshotState.Present, Guid? uuid = null)
    {
        var snapshot = new SnapshotDesired { Uuid = uuid ?? Guid.NewGuid(), Volume = volume.Uuid, Name = "snapshot", State = state };
        Set("snapshot", snapshot);
        return snapshot;
    }

    /// <summary>An instance is to be on this host, with the volume or the image as its disk.</summary>
    public VdiskDesired Guest(Guid? volume, Guid? image = null, InstanceState state = InstanceState.Running, Guid? instance = null)
    {
        var vdisk = new VdiskDesired { Uuid = Guid.NewGuid(), Instance = instance ?? Guid.NewGuid(), Volume = volume, Image = image, Index = 0 };
        Set("instance", new InstanceDesired { Uuid = vdisk.Instance, Name = "guest", Mem = 16, State = state });
        Set("host_instance", new HostInstanceDesired { Host = host, Instance = vdisk.Instance });
        Set("vdisk", vdisk);
        return vdisk;
    }

    public void Remove(string entity, RowKey key) => Store.Apply([RowChange.Remove(Store.Catalog[entity], RowPart.Desired, key)]);

    public void Set(string entity, object row) => Store.Apply([RowChange.Set(Store.Catalog[entity], RowPart.Desired, row)]);
}
