using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Storage;

/// <summary>The kernel maps ranges of disks, and LVM makes volumes of them.</summary>
public sealed class DeviceMapperTests
{
    [Test]
    public async Task A_linear_map_shows_ranges_of_two_disks_as_one()
    {
        var table = $"0 2048 linear {MachineDisks.Path(1)} 4096\n2048 2048 linear {MachineDisks.Path(2)} 8192\n";
        await File.WriteAllTextAsync("/tmp/table", table);
        await ChildProcess.RunAsync("dmsetup", ["create", "joined", "/tmp/table"]);
        try
        {
            Assert.That(await ChildProcess.RunAsync("blockdev", ["--getsize64", "/dev/mapper/joined"]), Is.EqualTo("2097152"));
            await ChildProcess.RunAsync(
                "dd", ["if=/dev/urandom", "of=/dev/mapper/joined", "bs=1M", "count=2", "oflag=direct", "status=none"]);

            Assert.That(await SumAsync("/dev/mapper/joined", 0), Is.EqualTo(await SumAsync(MachineDisks.Path(1), 2)));
            Assert.That(await SumAsync("/dev/mapper/joined", 1), Is.EqualTo(await SumAsync(MachineDisks.Path(2), 4)));
        }
        finally
        {
            await ChildProcess.RunAsync("dmsetup", ["remove", "--retry", "joined"]);
        }
    }

    [Test]
    public async Task A_volume_group_on_two_disks_has_volumes()
    {
        string[] disks = [MachineDisks.Path(1), MachineDisks.Path(2)];
        await ChildProcess.RunAsync("vgcreate", ["shown", .. disks]);
        try
        {
            // More than one of the disks holds.
            await ChildProcess.RunAsync("lvcreate", ["--name", "volume", "--size", "700m", "shown"]);
            var report = await ChildProcess.RunAsync(
                "lvs", ["--noheadings", "--units", "m", "--options", "lv_name,lv_size,devices", "shown"]);
            Assert.That(report, Does.Contain("700.00m").And.Contain(disks[0]).And.Contain(disks[1]));
            Assert.That(File.Exists("/dev/shown/volume"));
        }
        finally
        {
            await ChildProcess.RunAsync("vgremove", ["--force", "--yes", "shown"]);
            await ChildProcess.RunAsync("pvremove", disks);
        }
    }

    // Of one MiB, that many of them from the beginning.
    private static Task<string> SumAsync(string device, int megabytes) =>
        ChildProcess.RunAsync("sh", ["-c", $"dd if={device} bs=1M skip={megabytes} count=1 iflag=direct status=none | sha256sum"]);
}
