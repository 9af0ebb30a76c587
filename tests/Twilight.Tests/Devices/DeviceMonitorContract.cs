using NUnit.Framework;
using PonyCloud.Twilight.Devices;

namespace PonyCloud.Twilight.Tests.Devices;

/// <summary>What every device monitor does, the fake as the real one.</summary>
[CancelAfter(120_000)]
public abstract class DeviceMonitorContract
{
    protected IDeviceMonitor Monitor { get; private set; } = null!;

    /// <param name="losesEvents">With so little room for events that some can be lost.</param>
    protected abstract Task<IDeviceMonitor> OpenAsync(bool losesEvents);

    /// <summary>A device comes.</summary>
    /// <param name="size">MiB.</param>
    /// <returns>The kernel's name of it.</returns>
    protected abstract Task<string> AttachAsync(long size);

    protected abstract Task ResizeAsync(string name, long size);

    protected abstract Task DetachAsync(string name);

    /// <summary>More happens to a device than the monitor can take.</summary>
    protected abstract void Overrun(string name);

    [SetUp]
    public async Task StartAsync() => Monitor = await OpenAsync(losesEvents: false);

    [TearDown]
    public async Task EndAsync() => await Monitor.DisposeAsync();

    [Test]
    public async Task A_scan_sees_what_was_there_before(CancellationToken cancellationToken)
    {
        var name = await AttachAsync(3);

        await UntilAsync(name, 3, cancellationToken);
    }

    [Test]
    public async Task What_comes_changes_and_goes_wakes_and_a_scan_shows_it(CancellationToken cancellationToken)
    {
        await Monitor.ScanAsync(cancellationToken);

        var name = await AttachAsync(2);
        await UntilAsync(name, 2, cancellationToken);
        await ResizeAsync(name, 5);
        await UntilAsync(name, 5, cancellationToken);
        await DetachAsync(name);
        await UntilAsync(name, null, cancellationToken);
    }

    [Test]
    public async Task What_a_scan_did_not_see_is_told_after_it(CancellationToken cancellationToken)
    {
        var name = await AttachAsync(2);
        await UntilAsync(name, 2, cancellationToken);
        for (var size = 3; size < 20; size++)
        {
            // The scan runs while the device changes: it may see the one size or the other.
            var scan = Monitor.ScanAsync(cancellationToken);
            await ResizeAsync(name, size);
            await scan;
            await UntilAsync(name, size, cancellationToken);
        }
    }

    [Test]
    public async Task Events_that_are_lost_are_told_as_such(CancellationToken cancellationToken)
    {
        await using var monitor = await OpenAsync(losesEvents: true);
        await monitor.ScanAsync(cancellationToken);
        var name = await AttachAsync(2);

        var told = DeviceEvent.Changed;
        while (told != DeviceEvent.Lost)
        {
            Overrun(name);
            told = await monitor.Events.ReadAsync(cancellationToken);
        }

        Assert.That(SizeOf(await monitor.ScanAsync(cancellationToken), name), Is.EqualTo(2), "the monitor goes on");
    }

    [Test]
    public async Task Several_scans_at_once_are_all_answered(CancellationToken cancellationToken)
    {
        var name = await AttachAsync(4);
        await UntilAsync(name, 4, cancellationToken);

        var scans = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Monitor.ScanAsync(cancellationToken)));

        Assert.That(scans.Select(scan => SizeOf(scan, name)), Is.All.EqualTo(4));
    }

    [Test]
    public void A_scan_that_is_given_up_ends_at_once() => Assert.That(
        async () => await Monitor.ScanAsync(new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());

    [Test]
    public async Task A_disposed_monitor_says_nothing_more(CancellationToken cancellationToken)
    {
        await Monitor.DisposeAsync();

        Assert.That(async () => await Monitor.ScanAsync(cancellationToken), Throws.InstanceOf<OperationCanceledException>());
        while (await Monitor.Events.WaitToReadAsync(cancellationToken))
            await Monitor.Events.ReadAsync(cancellationToken);
    }

    /// <summary>Looks again whenever something happens, and only then, until the device has the size (MiB); null for gone.</summary>
    protected async Task UntilAsync(string name, long? size, CancellationToken cancellationToken)
    {
        while (SizeOf(await Monitor.ScanAsync(cancellationToken), name) != size)
            await Monitor.Events.ReadAsync(cancellationToken);
    }

    private static long? SizeOf(IReadOnlyList<BlockDevice> devices, string name) =>
        devices.SingleOrDefault(device => device.Name == name) is { } device && DiskRules.Sectors(device) is > 0 and var sectors
            ? sectors / 2048
            : null;
}
