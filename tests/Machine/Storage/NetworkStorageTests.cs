using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Storage;

/// <summary>The kernel's NFS server and client, and its iSCSI initiator, over the loopback device.</summary>
public sealed class NetworkStorageTests
{
    [Test]
    public async Task What_is_exported_can_be_mounted()
    {
        await using var server = await NfsServer.StartAsync();
        await File.WriteAllTextAsync(server["greeting"], "hello");
        Directory.CreateDirectory("/run/client");
        await ChildProcess.RunAsync("mount", ["-t", "nfs4", NfsServer.Source, "/run/client"]);
        try
        {
            Assert.That(await File.ReadAllTextAsync("/run/client/greeting"), Is.EqualTo("hello"));
        }
        finally
        {
            await ChildProcess.RunAsync("umount", ["/run/client"]);
        }
    }

    [Test]
    public async Task A_unit_of_a_target_is_a_disk_once_logged_in()
    {
        await using var target = await IscsiTarget.StartAsync(sizeMiB: 64);
        var device = await target.LogInAsync();

        Assert.That(await ChildProcess.RunAsync("blockdev", ["--getsize64", device]), Is.EqualTo($"{64L << 20}"));
        await ChildProcess.RunAsync("mke2fs", ["-q", "-F", device]);
        await target.LogOutAsync();
        Assert.That(File.Exists(device), Is.False);
    }
}
