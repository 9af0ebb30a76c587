using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Twilight.Devices;
using PonyCloud.Twilight.Devices.Udev;

namespace PonyCloud.Twilight.Tests.Devices;

/// <summary>libudev where no udev daemon runs.</summary>
public sealed class UdevKernelTests : UdevContract
{
    protected override Task<IDeviceMonitor> OpenAsync(bool losesEvents) =>
        Task.FromResult<IDeviceMonitor>(New(losesEvents ? 1 : 1024 * 1024));

    [Test]
    public async Task A_disk_that_is_attached_is_found_and_known_by_its_place(CancellationToken cancellationToken)
    {
        var name = await AttachAsync(64);
        await UntilAsync(name, 64, cancellationToken);

        var disks = DiskInventory.Of(await Monitor.ScanAsync(cancellationToken), admitsLoop: true);

        Assert.That(disks.Single(disk => disk.Path == "/dev/" + name), Has.Property("Id").EqualTo($"path-devices-virtual-block-{name}")
            .And.Property("Size").EqualTo(64).And.Property("Rotational").Not.Null);
    }

    private static UdevDeviceMonitor New(int bufferBytes) => new(
        new UdevOptions { BufferBytes = bufferBytes, DaemonSocket = "/nonexistent/control" },
        TimeProvider.System,
        NullLogger<UdevDeviceMonitor>.Instance);
}
