using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Tests.Storage.Copies;

/// <summary>What a controller orders of volumes that follow their instances.</summary>
internal static class CopyBook
{
    public static MigrationDoor Door { get; } = new("https://192.0.2.7:40123", new string('a', 64), "a secret ticket");

    /// <summary>A volume that another host keeps, and the vdisk of an instance that has no place here.</summary>
    public static (VolumeDesired Volume, VdiskDesired Disk) Elsewhere(
        this StorageOrderBook orders, Guid pool, InstanceState state = InstanceState.Running, long size = 16, Guid? uuid = null)
    {
        var volume = new VolumeDesired
        {
            Uuid = uuid ?? Guid.NewGuid(),
            Name = "volume",
            Size = size,
            StoragePool = pool,
            Content = VolumeContent.Made,
        };
        var disk = new VdiskDesired { Uuid = Guid.NewGuid(), Instance = Guid.NewGuid(), Volume = volume.Uuid, Index = 0 };
        orders.Set("volume", volume);
        orders.Set("instance", new InstanceDesired { Uuid = disk.Instance, Name = "guest", Mem = 16, State = state });
        orders.Set("vdisk", disk);
        return (volume, disk);
    }

    public static void Copy(this StorageOrderBook orders, Guid host, VdiskDesired disk, CopyFill fill, int? generation = 2) =>
        orders.Set("host_volume_copy", new HostVolumeCopyDesired
        {
            Host = host,
            Volume = disk.Volume!.Value,
            Instance = disk.Instance,
            Fill = fill,
            Generation = generation,
        });

    public static void Move(this StorageOrderBook orders, Guid host, Guid instance, MigrationRole role, MigrationDoor? door = null) =>
        orders.Set("host_migration", new HostMigrationDesired
        {
            Host = host,
            Instance = instance,
            Role = role,
            Turn = Guid.NewGuid(),
            PeerHost = Guid.NewGuid(),
            Endpoint = door?.Endpoint,
            Fingerprint = door?.Fingerprint,
            Ticket = door?.Ticket,
        });

    public static void ForgetMove(this StorageOrderBook orders, Guid host, Guid instance) =>
        orders.Remove("host_migration", RowKey.Of(host.ToString(), instance.ToString()));

    public static void ForgetCopy(this StorageOrderBook orders, Guid host, Guid volume) =>
        orders.Remove("host_volume_copy", RowKey.Of(host.ToString(), volume.ToString()));

    /// <summary>The instance has arrived: its place and its volume are this host's, and the volume has the content of its copy.</summary>
    public static VolumeDesired HandOver(this StorageOrderBook orders, Guid host, VolumeDesired volume, VdiskDesired disk, int generation)
    {
        var arrived = volume with
        {
            Generation = generation,
            Generations = generation,
        };
        orders.Store.Apply(
        [
            RowChange.Set(orders.Store.Catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = host, Instance = disk.Instance }),
            RowChange.Set(orders.Store.Catalog["volume"], RowPart.Desired, arrived),
            RowChange.Set(orders.Store.Catalog["host_volume"], RowPart.Desired, new HostVolumeDesired { Host = host, Volume = volume.Uuid }),
            RowChange.Remove(orders.Store.Catalog["host_volume_copy"], RowPart.Desired, RowKey.Of(host.ToString(), volume.Uuid.ToString())),
            RowChange.Remove(orders.Store.Catalog["host_migration"], RowPart.Desired, RowKey.Of(host.ToString(), disk.Instance.ToString())),
        ]);
        return arrived;
    }
}
