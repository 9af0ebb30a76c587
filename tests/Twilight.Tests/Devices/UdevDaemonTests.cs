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
    public async Task A_device_counts_only_when_the_daemon_is_done_with_it(CancellationToken cancellationToken)
    {
        // The first scan of a process takes longer than the daemon does, and would never come too early.
        await Monitor.ScanAsync(cancellationToken);
        var name = await AttachAsync(8);

        BlockDevice? device = null;
        while (device?.Property("ID_SERIAL") != FileOf(name))
        {
            var devices = await Monitor.ScanAsync(cancellationToken);
            // The daemon notes the time; those that it was never told of, such as the disk of this machine, have none.
            Assert.That(devices.Where(other => other.Property("USEC_INITIALIZED") is null), Is.Empty);
            device = devices.SingleOrDefault(other => other.Name == name);
            if (device?.Property("ID_SERIAL") != FileOf(name))
                await Monitor.Events.ReadAsync(cancellationToken);
        }

        Assert.That(DiskId.Of(device).Kind, Is.EqualTo(DiskIdKind.Serial));
    }
}
