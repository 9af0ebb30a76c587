using System.Text.Json;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class HostReconcilerTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");

    private ReconcilerBench _bench = null!;

    private FakeHypervisor Hypervisor => _bench.Hypervisor;

    [SetUp]
    public void Make() => _bench = new ReconcilerBench();

    [TearDown]
    public async Task DisposeAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task An_instance_runs_pauses_stops_and_goes_as_ordered()
    {
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        Assert.That(Hypervisor.Domains[One].State, Is.EqualTo(DomainState.Running));

        _bench.Order(One, InstanceState.Paused);
        await _bench.UntilAsync(One, InstanceStatus.Paused);
        Assert.That(Hypervisor.Domains[One].State, Is.EqualTo(DomainState.Paused));

        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync(One, InstanceStatus.Stopped);
        Assert.That(Hypervisor.Domains[One].State, Is.EqualTo(DomainState.Off));

        _bench.Order(One, null);
        await _bench.UntilAsync(One, null);
        Assert.That(Hypervisor.Domains, Is.Empty);
    }

    [Test]
    public async Task A_stop_order_cancels_a_running_start()
    {
        var gate = Hypervisor.Hold("start", One);
        _bench.Order(One, InstanceState.Running);
        await gate.Arrived;
        await _bench.UntilAsync(One, InstanceStatus.Starting);

        // The gate stays shut: nobody waits for the start to end.
        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync(One, InstanceStatus.Stopped);

        Assert.That(Hypervisor.Domains[One].State, Is.EqualTo(DomainState.Off));
        Assert.That(Hypervisor.Calls, Does.Contain($"destroy {One}").And.None.Contains("shutdown"));
    }

    [Test]
    public async Task A_removal_cancels_a_running_start_and_leaves_no_domain()
    {
        var gate = Hypervisor.Hold("start", One);
        _bench.Order(One, InstanceState.Running);
        await gate.Arrived;

        _bench.Order(One, null);
        await _bench.UntilAsync("no domain", () => Hypervisor.Domains.Count == 0 && _bench.RowOf(One) is null);

        Assert.That(Hypervisor.Calls[^1], Is.EqualTo($"undefine {One}"));
    }

    [Test]
    public async Task A_removal_goes_before_a_stop_that_waits_for_its_guest()
    {
        Hypervisor.GuestsObeyPowerButton = false;
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        _bench.Order(One, InstanceState.Stopped, stopTimeout: 3600);
        await _bench.UntilAsync(One, InstanceStatus.Stopping);

        _bench.Order(One, null);
        await _bench.UntilAsync(One, null);

        Assert.That(Hypervisor.Domains, Is.Empty);
    }

    [Test]
    public async Task A_guest_that_ignores_its_power_button_loses_its_power_in_the_end()
    {
        Hypervisor.GuestsObeyPowerButton = false;
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);

        _bench.Order(One, InstanceState.Stopped, stopTimeout: 5);
        await _bench.UntilAsync(One, InstanceStatus.Stopping);
        await _bench.Time.WaitForTimerAsync(within: TimeSpan.FromSeconds(5));
        Assert.That(Hypervisor.Domains[One].State, Is.EqualTo(DomainState.Running));
        _bench.Time.Advance(TimeSpan.FromSeconds(5));

        await _bench.UntilAsync(One, InstanceStatus.Stopped);
        Assert.That(Hypervisor.Domains[One].Reason, Is.EqualTo(DomainReason.PowerCut));
    }

    [Test]
    public async Task A_stop_that_is_withdrawn_lets_the_guest_run()
    {
        Hypervisor.GuestsObeyPowerButton = false;
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync(One, InstanceStatus.Stopping);

        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        _bench.Time.Advance(TimeSpan.FromMinutes(10));

        Assert.That(Hypervisor.Domains[One].State, Is.EqualTo(DomainState.Running));
    }

    [Test]
    public async Task A_start_that_fails_is_broken_with_its_reason_told_and_tried_again()
    {
        Hypervisor.Fail("start", One, "no room");
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Broken);

        Assert.That(_bench.RowOf(One)!.Why, Is.EqualTo("no room"));
        await _bench.Time.WaitForTimerAsync(within: TimeSpan.FromSeconds(1));
        _bench.Time.Advance(TimeSpan.FromSeconds(1));
        await _bench.UntilAsync(One, InstanceStatus.Running);
        Assert.That(_bench.Notifications.Single(), Is.EqualTo(new HostOutput.Notification(
            "instance-broken", EventSeverity.Error, One, _bench.Notifications[0].Time, "no room")));
    }

    [Test]
    public async Task A_guest_that_crashes_is_shown_told_and_started_again()
    {
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);

        Hypervisor.Put(One, DomainState.Off, DomainReason.Crashed);
        await _bench.UntilAsync(One, InstanceStatus.Crashed);
        await _bench.Time.WaitForTimerAsync(within: TimeSpan.FromSeconds(1));
        _bench.Time.Advance(TimeSpan.FromSeconds(1));

        await _bench.UntilAsync(One, InstanceStatus.Running);
        Assert.That(_bench.Notifications.Select(notification => notification.Type), Is.EqualTo((string[])["instance-crashed"]));
    }

    [TestCase(DomainState.Paused, DomainReason.IoError, DomainCause.DiskFull, "instance-paused-by-error", "The guest is paused because the storage of one of its disks is full.")]
    [TestCase(DomainState.Paused, DomainReason.IoError, DomainCause.IoError, "instance-paused-by-error", "The guest is paused by an I/O error.")]
    [TestCase(DomainState.Off, DomainReason.Crashed, DomainCause.Panicked, "instance-crashed", "The guest's system panicked.")]
    [TestCase(DomainState.Off, DomainReason.Crashed, DomainCause.HostOutOfMemory, "instance-crashed", "Its emulator was killed while the host ran out of memory.")]
    [TestCase(DomainState.Off, DomainReason.GuestPoweredOff, DomainCause.None, "instance-went-off", "The guest turned itself off.")]
    public async Task What_goes_wrong_is_told_in_words(DomainState state, DomainReason reason, DomainCause cause, string type, string text)
    {
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);

        Hypervisor.Put(One, state, reason, cause);
        await _bench.UntilAsync("it is shown", () => _bench.RowOf(One)!.Why == text);

        Assert.That((_bench.Notifications[0].Type, _bench.Notifications[0].Text), Is.EqualTo((type, text)));
    }

    [Test]
    public async Task A_guest_that_does_not_restart_when_it_is_asked_is_reset_and_that_is_told()
    {
        Hypervisor.GuestsObeyPowerButton = false;
        _bench.Order(One, InstanceState.Running, stopTimeout: 5);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        _bench.Reorder(One, row => row with { Reboots = 1 });
        await _bench.UntilAsync("it was asked", () => _bench.RowOf(One)!.Why?.Contains("asked to restart", StringComparison.Ordinal) == true);
        await _bench.Time.WaitForTimerAsync(within: TimeSpan.FromSeconds(5));
        _bench.Time.Advance(TimeSpan.FromSeconds(5));

        await _bench.UntilAsync("it was reset", () => _bench.RowOf(One)!.Reboots == 1);
        Assert.That(_bench.Notifications.Select(told => told.Type), Is.EqualTo((string[])["instance-reset"]));
        Assert.That(_bench.RowOf(One)!.Why, Is.Null);
    }

    [Test]
    public async Task While_the_hypervisor_is_away_the_instances_stay_as_they_were_last_seen()
    {
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);

        Hypervisor.Disconnect("it is away");
        await _bench.UntilAsync("the host says so", () => _bench.ReportedHost!.Why == "it is away");
        _bench.Order(One, InstanceState.Stopped);

        Assert.That(_bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));
        Assert.That(_bench.ReportedHost!.Hypervisor, Is.Null);
        Hypervisor.Reconnect();
        await _bench.UntilAsync(One, InstanceStatus.Stopped);
        Assert.That(_bench.Notifications.Select(notification => notification.Type),
            Is.EqualTo((string[])["hypervisor-away", "hypervisor-back"]));
    }

    [Test]
    public async Task Before_any_orders_have_come_what_runs_is_reported_and_left_alone()
    {
        await using var first = new ReconcilerBench();
        first.Order(One, InstanceState.Running);
        await first.UntilAsync(One, InstanceStatus.Running);
        var metadata = first.Hypervisor.Domains[One];

        await Hypervisor.DefineAsync(One, await first.Hypervisor.GetXmlAsync(One, CancellationToken.None), CancellationToken.None);
        await Hypervisor.StartAsync(One, paused: false, CancellationToken.None);
        await _bench.UntilAsync(One, InstanceStatus.Running);

        Assert.That(Hypervisor.Calls, Is.EqualTo((string[])[$"define {One}", $"start {One}"]));
        Assert.That(_bench.RowOf(One)!.Mem, Is.EqualTo(metadata.Memory));
        _bench.Send();
        await _bench.UntilAsync(One, null);
        Assert.That(Hypervisor.Domains, Is.Empty);
    }

    [Test]
    public async Task A_foreign_domain_is_reported_and_never_touched()
    {
        Hypervisor.AddForeign(One, "by hand", DomainState.Running);
        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync(One, InstanceStatus.Broken);

        Assert.That(_bench.ReportedHost!.ForeignDomains!.Text, Does.Contain("by hand"));
        Assert.That(Hypervisor.Calls, Is.Empty);
    }

    [Test]
    public async Task What_the_controller_forgot_is_held_told_and_goes_when_an_operator_confirms()
    {
        var forgotten = new[] { One, Id(2), Id(3), Id(4) };
        foreach (var instance in forgotten)
            _bench.Order(instance, InstanceState.Running);
        foreach (var instance in forgotten)
            await _bench.UntilAsync(instance, InstanceStatus.Running);

        _bench.Forget(forgotten);
        await _bench.UntilAsync("it is told", () => _bench.Notifications.Count > 0);
        await _bench.UntilAsync("it is shown", () => _bench.ReportedHost?.Held is not null);
        var told = _bench.Notifications.Single();
        Assert.That((told.Type, told.Severity, told.Instance), Is.EqualTo(("removal-held", EventSeverity.Warning, (Guid?)null)));
        Assert.That(_bench.ReportedHost!.Why, Is.EqualTo(told.Text));
        Assert.That(Hypervisor.Domains.Values.Select(domain => domain.State), Is.All.EqualTo(DomainState.Running));

        // All else goes on, and an order to let go by name is obeyed.
        _bench.Order(Id(5), InstanceState.Running);
        await _bench.UntilAsync(Id(5), InstanceStatus.Running);
        _bench.Released!.Add(Id(4));
        _bench.Send();
        await _bench.UntilAsync(Id(4), null);
        await _bench.UntilAsync("the smaller set is told", () => _bench.Notifications.Count == 2);

        await _bench.UntilAsync("the smaller set is shown", () => _bench.ReportedHost!.Why == _bench.Notifications[1].Text);
        using var held = JsonDocument.Parse(_bench.ReportedHost!.Held!.Text);
        Assert.That(held.RootElement.GetProperty("instances").EnumerateArray().Select(id => id.GetGuid()), Is.EqualTo(forgotten[..3]));
        _bench.Confirm(held.RootElement.GetProperty("token").GetString()!);
        await _bench.UntilAsync("they are gone", () => forgotten.All(instance => _bench.StatusOf(instance) is null));
        await _bench.UntilAsync("nothing is held", () => _bench.ReportedHost!.Held is null);
        Assert.That(Hypervisor.Domains.Keys, Is.EqualTo([Id(5)]));
        Assert.That(_bench.ReportedHost!.Why, Is.Null);
    }

    [Test]
    public async Task A_forgotten_instance_that_is_ordered_off_again_gets_its_whole_patience()
    {
        var forgotten = new[] { One, Id(2), Id(3) };
        foreach (var instance in forgotten)
            _bench.Order(instance, InstanceState.Running);
        foreach (var instance in forgotten)
            await _bench.UntilAsync(instance, InstanceStatus.Running);
        _bench.Forget(forgotten);
        await _bench.UntilAsync("they are held", () => _bench.ReportedHost?.Held is not null);

        _bench.Time.Advance(TimeSpan.FromMinutes(10));
        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync(One, InstanceStatus.Stopped);

        Assert.That(Hypervisor.Calls, Does.Contain($"shutdown {One}").And.None.Contains($"destroy {One}"));
    }

    [Test]
    public async Task The_first_report_is_complete()
    {
        await using var bench = new ReconcilerBench(isConnected: false);
        bench.Order(One, InstanceState.Stopped);
        // A pass without a hypervisor has been made, and another is due.
        await bench.Time.WaitForTimerAsync(within: TimeSpan.FromSeconds(60));

        bench.Hypervisor.Reconnect();
        await bench.UntilAsync("a first report", () => bench.FirstReport is not null);

        Assert.That(bench.FirstReport!.Select(change => change.Entity.Name), Is.EqualTo((string[])["host", "host_instance"]));
        Assert.That(bench.ReportedHost!.Hypervisor, Is.EqualTo("Fake 1.0.0"));
    }

    private static Guid Id(int number) => new($"00000000-0000-0000-0000-{number:000000000000}");
}
