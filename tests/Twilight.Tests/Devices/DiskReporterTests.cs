using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Devices;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Devices;
using PonyCloud.Twilight.Devices.Health;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Devices;

[CancelAfter(30_000)]
public sealed class DiskReporterTests : IEntropy
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly Guid Host = Guid.Parse("11111111-0000-0000-0000-000000000000");
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private readonly Dictionary<string, HostDiskCurrent> _rows = [];
    private readonly List<(string Type, string Text)> _told = [];
    private FakeDeviceMonitor _monitor = null!;
    private FakeHealthProbe _probe = null!;
    private ManualTime _time = null!;
    private DiskReporter _reporter = null!;
    private CancellationTokenSource _stopping = null!;
    private Task _running = null!;

    string IEntropy.NextId() => "id";

    double IEntropy.NextDouble() => 0.5;

    [SetUp]
    public void Make()
    {
        _rows.Clear();
        _told.Clear();
        _monitor = new FakeDeviceMonitor();
        _probe = new FakeHealthProbe();
        _time = new ManualTime();
        _stopping = new CancellationTokenSource();
        _reporter = new DiskReporter(
            new DiskReporterOptions { Host = Host, Health = new HealthOptions { Interval = Interval, AtOnce = 2, UnansweredMax = 3 } },
            Catalog, _monitor, _probe, this, _time, NullLoggerFactory.Instance);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        Assert.That(async () => await _running, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(_probe.Outstanding, Is.Zero, "nobody is asked any more");
        await _reporter.DisposeAsync();
        await _monitor.DisposeAsync();
        _stopping.Dispose();
    }

    [Test]
    public async Task The_first_report_is_complete_and_then_only_changes_are_told(CancellationToken cancellationToken)
    {
        _monitor.Put(Disk("vda"), Disk("vdb"));
        Run();

        Assert.That(await NextRowsAsync(cancellationToken), Has.Count.EqualTo(2));
        await UntilAsync("all well", () => _rows.Values.All(row => row.Health == DiskHealth.Passed), cancellationToken);
        _monitor.Put(Disk("vdb", size: 7));

        Assert.That(await NextRowsAsync(cancellationToken), Has.Count.EqualTo(1));
        Assert.That(_rows["serial-vdb"], Is.EqualTo(new HostDiskCurrent
        {
            Host = Host,
            Disk = "serial-vdb",
            Status = StorageStatus.Ready,
            Path = "/dev/vdb",
            Size = 7,
            Health = DiskHealth.Passed,
        }));
    }

    [Test]
    public async Task A_host_without_disks_reports_that(CancellationToken cancellationToken)
    {
        Run();

        Assert.That(await NextRowsAsync(cancellationToken), Is.Empty);
    }

    [Test]
    public async Task A_disk_that_is_pulled_out_is_gone_at_once_and_told(CancellationToken cancellationToken)
    {
        _monitor.Put(Disk("vda"), Disk("vdb"));
        Run();
        await UntilAsync("both", () => _rows.Count == 2, cancellationToken);

        _monitor.Remove("vdb");
        await UntilAsync("one", () => _rows.Count == 1 && _told.Count > 0, cancellationToken);

        Assert.That(_told, Is.EqualTo([("disk-gone", "serial-vdb (/dev/vdb) is gone.")]));
    }

    [Test]
    public async Task Lost_events_lead_to_a_look_at_everything(CancellationToken cancellationToken)
    {
        Run();
        await NextRowsAsync(cancellationToken);
        _monitor.Put(Disk("vda"));
        while (_monitor.Events.TryRead(out _))
        {
            // Whether the reporter or the test takes the event: the next one says only that some were lost.
        }
        _monitor.Lose();

        await UntilAsync("the disk", () => _rows.ContainsKey("serial-vda"), cancellationToken);
    }

    [Test]
    public async Task Devices_that_cannot_be_looked_at_hold_up_nobody_and_what_was_reported_stands(CancellationToken cancellationToken)
    {
        _monitor.FailWith("no libudev");
        Run();
        Assert.That(await NextRowsAsync(cancellationToken), Is.Empty);

        _monitor.FailWith(null);
        _monitor.Put(Disk("vda"));
        await UntilAsync("the disk", () => _rows.Count == 1, cancellationToken);
        _monitor.FailWith("gone again");
        await UntilAsync("that it is told", () => _told.Count == 2, cancellationToken);

        Assert.That(_rows, Has.Count.EqualTo(1));
        Assert.That(_told, Is.EqualTo([("devices-unseen", "no libudev"), ("devices-unseen", "gone again")]));
    }

    [Test]
    public async Task A_look_that_hangs_is_given_up(CancellationToken cancellationToken)
    {
        _monitor.HangUntil(new TaskCompletionSource().Task);
        Run();
        await _time.WaitForTimerAsync(TimeSpan.FromSeconds(30));
        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.That(await NextRowsAsync(cancellationToken), Is.Empty);
        await UntilAsync("that it is told", () => _told.Count == 1, cancellationToken);
        Assert.That(_told[0], Is.EqualTo(("devices-unseen", "No answer within 30 s.")));
    }

    [Test]
    public async Task A_disk_that_expects_to_fail_is_shown_and_told_once(CancellationToken cancellationToken)
    {
        _probe.Set("/dev/vda", new HealthReading(DiskHealth.Failing, "It is worn."));
        _monitor.Put(Disk("vda"));
        Run();

        await UntilAsync("that it is told", () => _told.Count == 1, cancellationToken);
        Assert.That(_rows["serial-vda"], Has.Property("Health").EqualTo(DiskHealth.Failing).And.Property("HealthWhy").EqualTo("It is worn.")
            .And.Property("Status").EqualTo(StorageStatus.Ready));
        Assert.That(_told[0], Is.EqualTo(("disk-failing", "serial-vda (/dev/vda): It is worn.")));
    }

    [Test]
    public async Task Disks_are_asked_again_when_their_reading_has_grown_old_and_sleep_in_peace(CancellationToken cancellationToken)
    {
        _monitor.Put(Disk("vda"));
        Run();
        await UntilAsync("well", () => _rows.Values.Any(row => row.Health == DiskHealth.Passed), cancellationToken);

        // It sleeps, so what was known stands; then it is awake and fails.
        _probe.Set("/dev/vda", null);
        await PassIntervalAsync(cancellationToken);
        _probe.Set("/dev/vda", new HealthReading(DiskHealth.Failing, "It is worn."));
        await PassIntervalAsync(cancellationToken);
        await UntilAsync("failing", () => _rows.Values.Any(row => row.Health == DiskHealth.Failing), cancellationToken);

        Assert.That(_probe.Asked, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task A_disk_that_hangs_holds_up_neither_rows_nor_the_health_of_others(CancellationToken cancellationToken)
    {
        _probe.Hang("/dev/vda");
        _monitor.Put(Disk("vda"), Disk("vdb"), Disk("vdc"), Disk("vdd"));
        Run();

        await UntilAsync("the others", () => _rows.Values.Count(row => row.Health == DiskHealth.Passed) == 3, cancellationToken);
        _monitor.Put(Disk("vde"));
        await UntilAsync("a new one", () => _rows.GetValueOrDefault("serial-vde")?.Health == DiskHealth.Passed, cancellationToken);

        Assert.That(_rows["serial-vda"].Health, Is.EqualTo(DiskHealth.Unknown));
        Assert.That(_probe.Asked.Count(node => node == "/dev/vda"), Is.EqualTo(1));
    }

    [Test]
    public async Task No_more_than_a_few_are_asked_at_a_time(CancellationToken cancellationToken)
    {
        string[] hanging = ["vda", "vdb", "vdc", "vdd"];
        foreach (var name in hanging)
            _probe.Hang("/dev/" + name);
        _monitor.Put([.. hanging.Select(name => Disk(name))]);
        Run();
        await UntilAsync("all rows", () => _rows.Count == 4, cancellationToken);

        // One that is pulled out is let go, and the next has its turn.
        Assert.That(_probe.Asked, Is.SubsetOf((string[])["/dev/vda", "/dev/vdb"]));
        _monitor.Remove("vda");
        await UntilAsync("three", () => _rows.Count == 3, cancellationToken);
        await TestKit.Processes.Eventually.HoldsAsync("the third", () => _probe.Asked.Contains("/dev/vdc"));
        Assert.That(_probe.Asked, Has.None.EqualTo("/dev/vdd"));
    }

    [Test]
    public async Task A_disk_that_never_answers_is_asked_a_few_times_only(CancellationToken cancellationToken)
    {
        _probe.Silence("/dev/vda");
        _monitor.Put(Disk("vda"));
        Run();
        for (var time = 1; time <= 3; time++)
        {
            await TestKit.Processes.Eventually.HoldsAsync("another call", () => _probe.Asked.Count == time);
            if (time < 3)
                await PassIntervalAsync(cancellationToken);
        }
        await UntilAsync(
            "that it is said",
            () => _rows.GetValueOrDefault("serial-vda")?.HealthWhy?.EndsWith("It is not asked any more.", StringComparison.Ordinal) == true,
            cancellationToken);
        _time.Advance(10 * Interval);
        _monitor.Put(Disk("vdb"));
        await UntilAsync("another", () => _rows.GetValueOrDefault("serial-vdb")?.Health == DiskHealth.Passed, cancellationToken);

        Assert.That(_probe.Asked.Count(node => node == "/dev/vda"), Is.EqualTo(3));
    }

    private static BlockDevice Disk(string name, long size = 5) => new()
    {
        DevicePath = "/devices/pci0000:00/block/" + name,
        Properties = new Dictionary<string, string> { ["ID_SERIAL"] = name },
        Attributes = new Dictionary<string, string> { ["size"] = (size * 2048).ToString(CultureInfo.InvariantCulture) },
    };

    private void Run() => _running = _reporter.RunAsync(_stopping.Token);

    /// <summary>The loop sleeps until the next reading is due, and it becomes due.</summary>
    private async Task PassIntervalAsync(CancellationToken cancellationToken)
    {
        var asked = _probe.Asked.Count;
        while (_probe.Asked.Count == asked)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _time.WaitForTimerAsync(Interval);
            _time.Advance(TimeSpan.FromMinutes(1));
        }
    }

    private async Task UntilAsync(string what, Func<bool> holds, CancellationToken cancellationToken)
    {
        while (!holds())
        {
            try
            {
                Take(await _reporter.Output.ReadAsync(cancellationToken));
            }
            catch (OperationCanceledException)
            {
                throw new AssertionException($"Not reached: {what}. Rows: {string.Join(", ", _rows.Values)}. Told: {string.Join(", ", _told)}.");
            }
        }
    }

    private async Task<IReadOnlyList<RowChange>> NextRowsAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var output = await _reporter.Output.ReadAsync(cancellationToken);
            Take(output);
            if (output is HostOutput.Rows(var changes))
                return changes;
        }
    }

    private void Take(HostOutput output)
    {
        switch (output)
        {
            case HostOutput.Rows(var changes):
                foreach (var change in changes)
                {
                    if (change.Value is HostDiskCurrent row)
                        _rows[row.Disk] = row;
                    else
                        _rows.Remove(change.Key.Parts[1]);
                }
                break;
            case HostOutput.Notification notification:
                _told.Add((notification.Type, notification.Text));
                break;
        }
    }
}
