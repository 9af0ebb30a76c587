using NUnit.Framework;
using PonyCloud.TestKit.Devices;
using PonyCloud.Twilight.Devices;

namespace PonyCloud.Twilight.Tests.Devices;

/// <summary>libudev beside a udev daemon.</summary>
public sealed class UdevDaemonTests : UdevContract
{
    private PrivateUdevd _daemon = null!;

    [OneTimeSetUp]
    public async Task StartDaemonAsync() => _daemon = await PrivateUdevd.StartAsync();

    [OneTimeTearDown]
    public async Task StopDaemonAsync() => await _daemon.DisposeAsync();

    protected override async Task<IDeviceMonitor> OpenAsync(bool losesEvents) =>
        await RemoteDeviceMonitor.StartAsync(_daemon, losesEvents ? 1 : 1024 * 1024);

    [Test]
    public async Task A_device_counts_only_when_the_daemon_has_named_it(CancellationToken cancellationToken)
    {
        await Monitor.ScanAsync(cancellationToken);
        for (var i = 0; i < 10; i++)
        {
            var name = await AttachAsync(8);
            BlockDevice? device;
            while ((device = Attached(await Monitor.ScanAsync(cancellationToken), name)) is null)
                await Monitor.Events.ReadAsync(cancellationToken);
            Assert.That(device.Property("DEVNAME"), Is.EqualTo("/dev/" + name));
            // A device that was there before has the daemon's names of then, until the daemon is done with what changed.
            while ((device = Attached(await Monitor.ScanAsync(cancellationToken), name))?.Property("ID_SERIAL") != FileOf(name))
                await Monitor.Events.ReadAsync(cancellationToken);
            Assert.That(DiskId.Of(device!).Kind, Is.EqualTo(DiskIdKind.Serial));
        }
    }

    private static BlockDevice? Attached(IReadOnlyList<BlockDevice> devices, string name) =>
        devices.SingleOrDefault(device => device.Name == name && DiskRules.Sectors(device) > 0);
}
