using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Devices;

namespace PonyCloud.Twilight.Tests.Devices;

public sealed class DiskInventoryTests
{
    [TestCase("sata", "wwn-0x5000c500a1b2c3d4 ready /dev/sda 3815447 MiB ST4000NM0035-1V4107 turns")]
    [TestCase("sata-without-daemon",
        "serial-t10.ATA_QEMU_HARDDISK_QM00003 ready /dev/sdb 1024 MiB QEMU HARDDISK turns",
        "wwn-0x5000c500a1b2c3d4 ready /dev/sda 3815447 MiB ST4000NM0035-1V4 turns")]
    [TestCase("sata-without-wwn",
        "path-pci-0000:00:17.0-ata-3.0 ready /dev/sdc 228936 MiB SATA_SSD",
        "serial-QEMU_HARDDISK_QM00003 ready /dev/sdb 1024 MiB QEMU HARDDISK turns")]
    [TestCase("nvme",
        "wwn-eui.0025385b71b0f2a5 ready /dev/nvme0n1 476940 MiB Samsung SSD 970 EVO Plus 500GB",
        "wwn-uuid.4c8b1d2e-6c07-4a8f-9a3a-7d1f2c5e8b90 ready /dev/nvme1n1 1526185 MiB PM1735")]
    [TestCase("nvme-without-daemon", "wwn-eui.0025385b71b0f2a5 ready /dev/nvme0n1 476940 MiB Samsung SSD 970 EVO Plus 500GB")]
    [TestCase("virtio",
        "path-devices-pci0000:00-0000:00:06.0-virtio3-block-vdc ready /dev/vdc 2048 MiB turns",
        "path-pci-0000:00:05.0 ready /dev/vdb 2048 MiB turns",
        "serial-boot-1 ready /dev/vda 10240 MiB turns")]
    [TestCase("fc", "wwn-0x60050763808082f3c000000000000001 ready /dev/sdc 102400 MiB 2145 2 paths")]
    [TestCase("multipath", "wwn-0x60050763808082f3c000000000000001 ready /dev/dm-3 102400 MiB 2145 1 paths")]
    [TestCase("iscsi",
        "iscsi-iqn.2001-04.com.example:disks-lun-1 ready /dev/sde 1024 MiB VIRTUAL-DISK turns",
        "iscsi-iqn.2001-04.org.example:other-lun-1 ready /dev/sdf 1024 MiB VIRTUAL-DISK turns",
        "wwn-0x6001405a1b2c3d4e5f60718293a4b5c6 ready /dev/sdg 2048 MiB unit0 turns")]
    [TestCase("usb",
        "path-pci-0000:00:14.0-usb-0:5:1.0-scsi-0:0:0:0 ready /dev/sdj 1912 MiB Flash_Disk turns",
        "serial-SanDisk_Ultra_Fit_4C530001230101115454-0:0 ready /dev/sdi 29327 MiB Ultra_Fit turns")]
    [TestCase("mmc", "serial-0x1d2c3b4a ready /dev/mmcblk0 14910 MiB")]
    [TestCase("no-disks")]
    [TestCase("loop")]
    public void Disks_are_known_by_what_they_say_they_are(string recorded, params string[] disks) =>
        Assert.That(DiskInventory.Of(RecordedDevices.Load(recorded)).Select(Describe), Is.EqualTo(disks));

    [Test]
    public void All_that_was_recorded_is_looked_at() => Assert.That(
        RecordedDevices.Names,
        Is.EquivalentTo(typeof(DiskInventoryTests).GetMethod(nameof(Disks_are_known_by_what_they_say_they_are))!
            .GetCustomAttributes(typeof(TestCaseAttribute), inherit: false).Cast<TestCaseAttribute>().Select(test => test.Arguments[0])));

    [Test]
    public void Each_device_that_is_no_disk_has_its_reason() => Assert.That(
        RecordedDevices.Load("no-disks").Select(device => $"{device.Name}: {DiskRules.WhyNot(device, admitsLoop: false)}"),
        Is.EqualTo((string[])
        [
            "md0: made of disks", "md_d1: made of disks", "dm-0: made of disks", "dm-1: made of disks", "loop0: a file", "ram0: memory",
            "zram0: memory", "nbd0: a volume of a storage server", "rbd0: a volume of a storage server", "drbd0: made of disks",
            "bcache0: made of disks", "zd16: made of disks", "sr0: a drive for media", "fd0: a drive for media",
            "mmcblk0boot0: an area of a disk",
        ]));

    [Test]
    public void A_card_reader_without_card_and_a_path_of_NVMe_multipathing_are_no_disks() => Assert.That(
        RecordedDevices.Load("usb").Concat(RecordedDevices.Load("nvme"))
            .Select(device => DiskRules.WhyNot(device, admitsLoop: false)).OfType<string>(),
        Is.EqualTo((string[])["without medium", "a path that NVMe multipathing has taken over"]));

    [Test]
    public void Loop_devices_are_disks_where_they_are_admitted_and_attached()
    {
        var devices = RecordedDevices.Load("loop").Concat(RecordedDevices.Load("no-disks"));

        Assert.That(
            DiskInventory.Of(devices, admitsLoop: true).Select(Describe),
            Is.EqualTo((string[])["path-devices-virtual-block-loop3 ready /dev/loop3 64 MiB"]));
    }

    [Test]
    public void Health_is_asked_of_a_path_that_works_and_not_of_the_map()
    {
        Assert.That(DiskInventory.Of(RecordedDevices.Load("multipath")).Single().Probe, Is.EqualTo("/dev/sdd"));
        Assert.That(DiskInventory.Of(RecordedDevices.Load("sata")).Single().Probe, Is.EqualTo("/dev/sda"));
    }

    [Test]
    public void A_map_whose_paths_have_all_gone_is_known_by_its_name_and_has_no_path_left() => Assert.That(
        DiskInventory.Of(RecordedDevices.Load("multipath").Where(device => device.Name == "dm-3")).Select(Describe),
        Is.EqualTo((string[])["wwn-0x60050763808082f3c000000000000001 broken /dev/dm-3 102400 MiB 0 paths: No path to it is left."]));

    [Test]
    public void A_disk_that_the_kernel_has_given_up_is_broken()
    {
        var disk = RecordedDevices.Load("sata")[0].With("device/state", "offline");

        Assert.That(DiskInventory.Of([disk]).Single(), Has.Property("Status").EqualTo(StorageStatus.Broken)
            .And.Property("Why").EqualTo("The kernel has given up on it: sda is offline.").And.Property("Probe").Null);
    }

    [TestCase("size", "209715201", "but their sizes differ (209715200, 209715201 sectors)")]
    [TestCase("ID_MODEL_ENC", "2146", "but their models differ (2145, 2146)")]
    [TestCase("ID_SERIAL", "another", "but their serial numbers differ")]
    public void Devices_of_one_WWN_that_differ_are_one_broken_row_and_no_path(string what, string value, string why)
    {
        var paths = RecordedDevices.Load("fc").ToArray();
        paths[1] = paths[1].With(what, value);

        var disk = DiskInventory.Of(paths).Single();

        Assert.That(Describe(disk), Is.EqualTo(
            $"wwn-0x60050763808082f3c000000000000001 broken: sdc, sdd all say that they are this disk, {why}."));
        Assert.That(disk.Probe, Is.Null);
    }

    [Test]
    public void Two_SATA_disks_of_one_WWN_are_never_paths_to_one()
    {
        var first = RecordedDevices.Load("sata")[0];
        var second = first with { DevicePath = first.DevicePath[..^3] + "sdb" };

        Assert.That(DiskInventory.Of([second, first]).Single().Why, Is.EqualTo(
            "sda, sdb all say that they are this disk, and their bus knows no second path."));
    }

    [Test]
    public void Two_disks_with_one_serial_number_and_no_WWN_are_never_paths_to_one_unless_multipathd_says_so()
    {
        var paths = RecordedDevices.Load("fc").Select(path =>
            path.With("ID_WWN", null).With("ID_WWN_WITH_EXTENSION", null).With("device/wwid", null).With("ID_SERIAL_SHORT", "c01")).ToList();
        var map = RecordedDevices.Load("multipath").Single(device => device.Name == "dm-3");

        Assert.That(DiskInventory.Of(paths).Single().Why, Does.EndWith("and without a WWN they cannot be taken for paths to one."));
        Assert.That(
            Describe(DiskInventory.Of([.. paths, map]).Single()),
            Is.EqualTo("serial-360050763808082f3c000000000000001 ready /dev/dm-3 102400 MiB 2145 2 paths"));
    }

    [Test]
    public void Two_portals_of_one_iSCSI_unit_are_paths_to_it()
    {
        var first = RecordedDevices.Load("iscsi")[0];
        var second = (first with { DevicePath = first.DevicePath[..^3] + "sdz" })
            .With("ID_PATH", "ip-192.0.2.9:3260-iscsi-iqn.2001-04.com.example:disks-lun-1");

        Assert.That(DiskInventory.Of([first, second]).Single(), Has.Property("Paths").EqualTo(2).And.Property("Path").EqualTo("/dev/sde"));
    }

    private static string Describe(FoundDisk disk) => string.Join(' ', new[]
    {
        disk.Id,
        disk.Status.ToString().ToLowerInvariant(),
        disk.Path,
        disk.Size is { } size ? $"{size} MiB" : null,
        disk.Model,
        disk.Rotational == true ? "turns" : null,
        disk.Paths is { } paths ? $"{paths} paths" : null,
    }.OfType<string>()) + (disk.Why is { } why ? $": {why}" : "");
}
