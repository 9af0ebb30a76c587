using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Devices;

namespace PonyCloud.Twilight.Tests.Devices;

/// <summary>What holds of any set of devices, cloned names, maps and contradictions included.</summary>
public sealed class DiskInventoryProperties
{
    private static readonly string[] Names = ["sda", "sdb", "sdc", "nvme0n1", "vda", "loop0"];

    private static Gen<BlockDevice> Device(string name) =>
        from wwn in Gen.Elements(null, null, "0x5000c500a1b2c3d4", "0x5000c500a1b2c3d5", "0x6000000000000000")
        from serial in Gen.Elements(null, "A_1", "A 1", "0000")
        from bus in Gen.Elements("scsi", "ata", null)
        from path in Gen.Elements(null, "pci-0000:00:04.0", "ip-192.0.2.1:3260-iscsi-iqn.2001-04.com.example:d-lun-1")
        from model in Gen.Elements("M", "M", "N")
        from sectors in Gen.Elements("2048", "2048", "4096", "0")
        from state in Gen.Elements("running", "running", "offline", null)
        from type in Gen.Elements("disk", "disk", "disk", "partition")
        select Made(
            $"/devices/{name}/block/{name}",
            [
                ("ID_WWN", wwn), ("ID_SERIAL", serial), ("ID_SERIAL_SHORT", serial), ("ID_BUS", bus), ("ID_PATH", path), ("ID_MODEL", model),
                ("DEVTYPE", type),
            ],
            [("size", sectors), ("device/state", state)]);

    private static Gen<BlockDevice> Map(string name) =>
        from wwid in Gen.Elements("35000c500a1b2c3d4", "35000c500a1b2c3d5", "A_1")
        from isMap in Gen.Elements(true, true, false)
        from paths in Gen.SubListOf(Names)
        select Made($"/devices/virtual/block/{name}", [], [("size", "2048"), ("dm/uuid", (isMap ? "mpath-" : "LVM-") + wwid)]) with
        {
            MadeOf = [.. paths],
        };

    private static Gen<BlockDevice[]> Devices =>
        from disks in Gen.CollectToArray(Names.Select(Device))
        from maps in Gen.CollectToArray(new[] { "dm-0", "dm-1" }.Select(Map))
        from some in Gen.SubListOf(disks.Concat(maps))
        from shuffled in Gen.Shuffle(some.ToArray())
        select shuffled;

    [Test]
    public void The_order_of_the_devices_and_seeing_one_twice_change_nothing() => Hold(devices =>
    {
        var disks = DiskInventory.Of(devices, admitsLoop: true);
        var ordered = devices.OrderBy(device => device.DevicePath, StringComparer.Ordinal);
        Assert.That(DiskInventory.Of(ordered, admitsLoop: true), Is.EqualTo(disks));
        Assert.That(DiskInventory.Of(devices.Concat(devices.Reverse()), admitsLoop: true), Is.EqualTo(disks));
    });

    [Test]
    public void Each_disk_has_one_row_and_no_two_rows_have_one_id() => Hold(devices =>
    {
        var ids = DiskInventory.Of(devices).Select(disk => disk.Id).ToList();
        Assert.That(ids, Is.Unique.And.All.Match("^[A-Za-z0-9][A-Za-z0-9_.:-]{0,222}$"));
        var disks = devices.Where(device => DiskRules.WhyNot(device, admitsLoop: false) is null && !DiskRules.IsMap(device));
        Assert.That(disks.Select(device => DiskId.Of(device).Text).Distinct(), Is.SubsetOf(ids));
    });

    [Test]
    public void A_path_is_given_by_one_row_only_and_only_by_one_that_knows_what_it_is() => Hold(devices =>
    {
        var disks = DiskInventory.Of(devices);
        Assert.That(disks.Select(disk => disk.Path).OfType<string>(), Is.Unique);
        Assert.That(disks.Where(disk => disk.Status == StorageStatus.Broken).Select(disk => disk.Why), Has.None.Null);
        var ready = disks.Where(disk => disk.Status == StorageStatus.Ready).ToList();
        Assert.That(ready.Select(disk => disk.Why), Is.All.Null);
        Assert.That(ready.Select(disk => disk.Path), Has.None.Null);
        foreach (var disk in disks.Where(disk => disk.Path is not null))
        {
            var used = devices.Single(device => device.Node == disk.Path);
            Assert.That(disk.Size, Is.EqualTo(DiskRules.Sectors(used) / 2048), "what is told of a disk is true of its path");
        }
    });

    private static void Hold(Action<BlockDevice[]> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Arb.From(Devices), property));

    private static BlockDevice Made(string path, (string Name, string? Value)[] properties, (string Name, string? Value)[] attributes)
    {
        return new BlockDevice { DevicePath = path, Properties = Given(properties), Attributes = Given(attributes) };

        static Dictionary<string, string> Given((string Name, string? Value)[] pairs) =>
            pairs.Where(pair => pair.Value is not null).ToDictionary(pair => pair.Name, pair => pair.Value!);
    }
}
