using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Instances;

/// <summary>The XML of domains with disks, compared with the files in Golden; see <see cref="DomainXmlTests"/>.</summary>
public sealed class DiskXmlTests
{
    private static readonly InstanceDesired Instance = new()
    {
        Uuid = Guid.Parse("9ece4546-1199-42b0-acf5-1b68f393683a"),
        Tenant = Guid.Parse("0c1c3e46-3d8e-4b61-bb4c-9d6f8a0e5f11"),
        Name = "web-1",
        Mem = 512,
    };

    private static readonly DomainOptions Options = new()
    {
        Accelerator = Accelerator.Kvm,
        ConsoleDirectory = "/var/log/ponycloud/console",
        Boot = new DisklessBoot.Kernel("/boot/vmlinuz", null, null),
    };

    private static readonly InstanceCard Card = new()
    {
        Vnic = Guid.Parse("00000000-cccc-0000-0000-000000000000"),
        Index = 0,
        HardwareAddress = "52:54:00:00:00:00",
        Model = VnicModel.Virtio,
        IsUp = true,
    };

    [Test]
    public void Disks_of_each_bus_have_their_places_and_are_booted_from() => CompareWithGolden(
        "disks.xml", InstanceBoot.Disk, null,
        Disk(0, VdiskBus.Virtio) with { IopsMax = 200, BandwidthMax = 1024, Source = new DiskSource.Qcow2("/srv/volumes/volume-0.1") },
        Disk(1, VdiskBus.Scsi) with { Cache = VdiskCache.Writeback, Source = new DiskSource.Device("/dev/group/volume-1.1") },
        Disk(2, VdiskBus.Sata) with { IsCdrom = true, Source = new DiskSource.Raw("/srv/image-2") });

    [Test]
    public void A_cd_can_be_booted_from_first_and_the_seed_is_behind_all() => CompareWithGolden(
        "cdrom-boot.xml", InstanceBoot.Cdrom, "/srv/seed.iso",
        Disk(0, VdiskBus.Virtio) with { Source = new DiskSource.Qcow2("/srv/volumes/volume-0.1") },
        Disk(1, VdiskBus.Sata) with { IsCdrom = true, Source = new DiskSource.Qcow2("/srv/image-1") });

    [Test]
    public void Disks_on_the_network_name_the_secret_and_do_not_have_it() => CompareWithGolden(
        "network-disks.xml", InstanceBoot.Disk, null,
        Disk(0, VdiskBus.Virtio) with
        {
            Source = new DiskSource.Rbd("pool", "volume-0.1", "192.0.2.1:3300,[2001:db8::1]:6789", "guests", Guid.Parse("0000000a-0000-0000-0000-000000000000")),
        },
        Disk(1, VdiskBus.Virtio) with { Source = new DiskSource.Rbd("pool", "volume-1.1", "192.0.2.1:3300", "guests", null) },
        Disk(2, VdiskBus.Virtio) with
        {
            Source = new DiskSource.Iscsi("192.0.2.2:3260", "iqn.2026-01.test:t", 3, "iqn.2026-01.test:host", 64 << 20, "chap", Guid.Parse("0000000b-0000-0000-0000-000000000000")),
        });

    [Test]
    public void The_last_places_bring_their_ports_and_controllers() => CompareWithGolden(
        "many-disks.xml", InstanceBoot.Disk, null,
        Disk(30, VdiskBus.Sata) with { Source = new DiskSource.Device("/dev/a") },
        Disk(31, VdiskBus.Virtio) with { Source = new DiskSource.Device("/dev/b") },
        Disk(255, VdiskBus.Scsi) with { Source = new DiskSource.Device("/dev/c") });

    [Test]
    public void Disks_leave_the_shape_but_that_there_are_any_does_not()
    {
        var with = Shape(Disk(0, VdiskBus.Virtio));

        Assert.That(Shape(Disk(31, VdiskBus.Virtio) with { Source = new DiskSource.Device("/dev/a") }), Is.EqualTo(with));
        Assert.That(Shape(), Is.Not.EqualTo(with), "what it boots from is another thing");
    }

    [Test]
    public void An_image_is_in_a_drive_and_not_on_virtio()
    {
        var row = new VdiskDesired { Uuid = Guid.NewGuid(), Instance = Instance.Uuid, Image = Guid.NewGuid(), Index = 3 };

        Assert.That(InstanceDisk.Of(row), Is.EqualTo(new InstanceDisk
        {
            Vdisk = row.Uuid, Index = 3, Bus = VdiskBus.Sata, Cache = VdiskCache.None, IsCdrom = true, Content = row.Image.Value,
        }));
        Assert.That(InstanceDisk.Of(row with { Bus = VdiskBus.Scsi })!.Bus, Is.EqualTo(VdiskBus.Scsi));
        Assert.That(InstanceDisk.Of(row with { Image = null }), Is.Null, "of a template");
    }

    [Test]
    public void What_is_seen_of_a_disk_is_what_was_made()
    {
        var disk = Disk(27, VdiskBus.Scsi) with { IopsMax = 5, BandwidthMax = 7, Source = new DiskSource.Device("/dev/a") };

        Assert.That(ObservedDisk.Of(DiskXml.For(disk)), Is.EqualTo(new ObservedDisk
        {
            Vdisk = disk.Vdisk,
            Target = "sdab",
            Bus = "scsi",
            Source = "/dev/a",
            Cache = "none",
            IopsMax = 5,
            BytesMax = 7168,
        }));
        Assert.That(DiskXml.SerialOf(disk.Vdisk), Is.EqualTo("0000001b-dddd-0000-0"));
    }

    [Test]
    public void A_drive_keeps_everything_but_what_is_in_it()
    {
        var drive = ObservedDisk.Of(DiskXml.For(Disk(1, VdiskBus.Sata) with { IsCdrom = true, Source = new DiskSource.Qcow2("/srv/image-1") }));

        Assert.That(ObservedDisk.Of(DiskXml.WithMedium(drive, null)), Is.EqualTo(drive with { Source = null, Cache = null }));
        var other = Disk(1, VdiskBus.Sata) with { IsCdrom = true, Cache = VdiskCache.Unsafe, Source = new DiskSource.Qcow2("/srv/image-2") };
        Assert.That(ObservedDisk.Of(DiskXml.WithMedium(drive, other)), Is.EqualTo(drive with { Source = "/srv/image-2" }));
    }

    private static InstanceDisk Disk(int index, VdiskBus bus) => new()
    {
        Vdisk = Guid.Parse($"{index:x8}-dddd-0000-0000-000000000000"),
        Index = index,
        Bus = bus,
        Cache = VdiskCache.None,
        IsCdrom = false,
        Content = Guid.Parse($"{index:x8}-eeee-0000-0000-000000000000"),
    };

    private static string Shape(params InstanceDisk[] disks) => DomainXml.For(Instance, null, [], disks, Options).Shape;

    private static void CompareWithGolden(string name, InstanceBoot boot, string? seed, params InstanceDisk[] disks)
    {
        var path = Repository.At("tests", "Twilight.Tests", "Instances", "Golden", name);
        var xml = DomainXml.For(Instance with { Boot = boot }, null, [Card], disks, Options, seed).Xml + "\n";
        if (Environment.GetEnvironmentVariable("PONYCLOUD_UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, xml);
        Assert.That(xml, Is.EqualTo(File.ReadAllText(path)));
    }
}
