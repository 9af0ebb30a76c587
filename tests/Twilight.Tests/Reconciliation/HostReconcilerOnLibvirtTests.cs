using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>The whole way from rows to QEMU and back.</summary>
[CancelAfter(120_000)]
public sealed class HostReconcilerOnLibvirtTests
{
    private readonly List<Guid> _taps = [];
    private Guid _instance;
    private LibvirtHypervisor _libvirt = null!;
    private ReconcilerBench _bench = null!;

    [SetUp]
    public async Task MakeAsync()
    {
        var directory = PrivateLibvirtFixture.Instance.Directory;
        var rom = Path.Combine(directory, "reconciled.rom");
        RomGuest.Write(rom);
        _instance = Guid.NewGuid();
        _libvirt = NewHypervisor();
        await ConnectedAsync(TestContext.CurrentContext.CancellationToken);
        _bench = NewBench(directory, rom);
    }

    [TearDown]
    public async Task DisposeAsync()
    {
        _bench.Order(_instance, null);
        await _bench.UntilAsync(_instance, null);
        await _bench.DisposeAsync();
        await _libvirt.DisposeAsync();
        foreach (var vnic in _taps)
            await Private.RemoveTapAsync(LinkNames.Tap(vnic));
        _taps.Clear();
    }

    [Test]
    public async Task An_instance_runs_pauses_stops_and_goes_as_ordered(CancellationToken cancellationToken)
    {
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        _bench.Order(_instance, InstanceState.Paused);
        await _bench.UntilAsync(_instance, InstanceStatus.Paused);
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);

        // The guest ignores its power button.
        _bench.Order(_instance, InstanceState.Stopped, stopTimeout: 1);
        await _bench.UntilAsync(_instance, InstanceStatus.Stopped);

        var domain = (await _libvirt.ScanAsync(cancellationToken)).Domains.Single(domain => domain.Uuid == _instance);
        Assert.That((domain.State, domain.Reason), Is.EqualTo((DomainState.Off, DomainReason.PowerCut)));
    }

    [Test]
    public async Task Orders_that_come_faster_than_they_can_be_carried_out_end_with_the_last_one(CancellationToken cancellationToken)
    {
        for (var i = 0; i < 5; i++)
        {
            _bench.Order(_instance, InstanceState.Running);
            await _bench.UntilAsync(_instance, InstanceStatus.Starting);
            _bench.Order(_instance, InstanceState.Stopped, stopTimeout: 0);
            await _bench.UntilAsync(_instance, InstanceStatus.Stopped);
        }
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Starting);
        _bench.Order(_instance, null);
        await _bench.UntilAsync(_instance, null);

        Assert.That((await _libvirt.ScanAsync(cancellationToken)).Domains.Select(domain => domain.Uuid), Has.None.EqualTo(_instance));
    }

    [Test]
    public async Task An_instance_is_reset_and_rebooted_as_often_as_ordered()
    {
        _bench.Order(_instance, InstanceState.Running, stopTimeout: 1);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        var log = _bench.RowOf(_instance)!.ConsoleLog!;
        await BootsAsync(log, 1);

        _bench.Reorder(_instance, row => row with { Resets = 1 });
        await _bench.UntilAsync("the reset is told", () => _bench.RowOf(_instance)!.Resets == 1);
        await BootsAsync(log, 2);
        // The guest ignores its power button.
        _bench.Reorder(_instance, row => row with { Reboots = 1 });
        await _bench.UntilAsync("the reboot is told", () => _bench.RowOf(_instance)!.Reboots == 1);
        await BootsAsync(log, 3);

        Assert.That((_bench.RowOf(_instance)!.Status, _bench.RowOf(_instance)!.Why), Is.EqualTo((InstanceStatus.Running, (string?)null)));
        Assert.That(_bench.Notifications, Is.Empty);
    }

    [Test]
    public async Task A_guest_that_minds_its_power_button_restarts_by_itself()
    {
        RomGuest.Write(Path.Combine(Private.Directory, "reconciled.rom"), PowerButton.PowersOff);
        _bench.Order(_instance, InstanceState.Running, stopTimeout: 3600);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        var log = _bench.RowOf(_instance)!.ConsoleLog!;
        await BootsAsync(log, 1);
        var pid = Private.GuestPids().Single();

        _bench.Reorder(_instance, row => row with { Reboots = 1 });
        await _bench.UntilAsync("the reboot is told", () => _bench.RowOf(_instance)!.Reboots == 1);

        await BootsAsync(log, 2);
        Assert.That(Private.GuestPids(), Is.EqualTo((int[])[pid]), "it was never off");
    }

    [Test]
    public async Task A_guest_that_turns_itself_off_stays_off_where_only_crashes_are_mended_and_starts_when_it_is_ordered_anew(
        CancellationToken cancellationToken)
    {
        RomGuest.Write(Path.Combine(Private.Directory, "reconciled.rom"), PowerButton.PowersOff);
        _bench.Order(_instance, InstanceState.Stopped);
        _bench.Reorder(_instance, row => row with { Restart = InstanceRestart.OnCrash, State = InstanceState.Running });
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        await BootsAsync(_bench.RowOf(_instance)!.ConsoleLog!, 1);

        // A press that comes before the guest looks is missed.
        await Eventually.SeesAsync("it is off", async token => await PressAsync(token), isOff => isOff);
        await _bench.UntilAsync(_instance, InstanceStatus.Stopped);
        Assert.That(_bench.RowOf(_instance)!.Why, Is.EqualTo("The guest turned itself off. It is not started again: restart is on-crash."));
        await Eventually.SeesAsync("an agent that comes back knows it", async _ => await EndedAsync(cancellationToken), ended => ended == DomainEnd.TurnedOff);

        _bench.Reorder(_instance, row => row with { Resets = 1 });
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        Assert.That(_bench.RowOf(_instance)!.Resets, Is.EqualTo(1));
        Assert.That(await EndedAsync(cancellationToken), Is.Null);
    }

    [TestCase(InstanceRestart.Never)]
    [TestCase(InstanceRestart.OnCrash)]
    public async Task A_guest_that_turns_itself_off_while_the_agent_is_away_stays_off_if_it_is_to(InstanceRestart restart, CancellationToken cancellationToken)
    {
        RomGuest.Write(Path.Combine(Private.Directory, "reconciled.rom"), PowerButton.PowersOff);
        _bench.Order(_instance, InstanceState.Running, restart: restart);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        var log = _bench.RowOf(_instance)!.ConsoleLog!;
        await BootsAsync(log, 1);
        await Eventually.SeesAsync("it is written down", async _ => (await MarkAsync(cancellationToken)).HasRun, hasRun => hasRun);

        await _bench.DisposeAsync();
        await ReconnectAsync(cancellationToken);
        await Eventually.SeesAsync("it is off", async token => await PressAsync(token), isOff => isOff);
        // Whoever looks now has seen nothing of that.
        await ReconnectAsync(cancellationToken);
        _bench = NewBench(Private.Directory, Path.Combine(Private.Directory, "reconciled.rom"));
        _bench.Order(_instance, InstanceState.Running, restart: restart);
        // The first report may come before the orders.
        await _bench.UntilAsync("it says why it is off", () => _bench.RowOf(_instance)?.Why is not null);

        Assert.That(_bench.StatusOf(_instance), Is.EqualTo(InstanceStatus.Stopped));
        Assert.That(_bench.RowOf(_instance)!.Why, Does.StartWith("The guest turned itself off. It is not started again: restart is "));
        await Eventually.SeesAsync("how it ended is written down", async _ => await EndedAsync(cancellationToken), ended => ended == DomainEnd.TurnedOff);
        await BootsAsync(log, 1);
    }

    [Test]
    public async Task A_guest_that_panics_is_crashed_says_so_and_stays_off_if_it_is_to()
    {
        Befall(Mishap.Panics);
        _bench.Order(_instance, InstanceState.Stopped);
        _bench.Reorder(_instance, row => row with { Restart = InstanceRestart.Never, State = InstanceState.Running });
        await _bench.UntilAsync(_instance, InstanceStatus.Crashed);

        Assert.That(_bench.RowOf(_instance)!.Why, Does.StartWith("The guest's system panicked."));
        // QEMU pauses it first, which may be seen.
        Assert.That((_bench.Notifications[^1].Type, _bench.Notifications[^1].Text), Is.EqualTo(("instance-crashed", "The guest's system panicked.")));
    }

    [Test]
    public async Task A_watchdog_that_pauses_leaves_the_guest_to_be_looked_at_until_it_is_ordered_to_go_on()
    {
        Befall(Mishap.StarvesWatchdog);
        _bench.Order(_instance, InstanceState.Stopped);
        _bench.Reorder(_instance, row => row with { Watchdog = InstanceWatchdog.Pause, State = InstanceState.Running });
        await _bench.UntilAsync(_instance, InstanceStatus.Paused);
        Assert.That(_bench.RowOf(_instance)!.Why, Does.StartWith("The guest no longer fed its watchdog"));

        _bench.Reorder(_instance, row => row with { State = InstanceState.Paused });
        await _bench.UntilAsync("it is paused by order", () => _bench.RowOf(_instance)!.Why == "The guest no longer fed its watchdog, which paused it.");
        _bench.Reorder(_instance, row => row with { State = InstanceState.Running });
        await _bench.UntilAsync("it goes on", () => _bench.StatusOf(_instance) == InstanceStatus.Running);
        Assert.That(_bench.Notifications.Select(told => told.Type), Is.Not.Empty.And.All.EqualTo("instance-paused-by-error"));
    }

    [Test]
    public async Task A_watchdog_that_cuts_the_power_is_a_crash_that_says_so()
    {
        Befall(Mishap.StarvesWatchdog);
        _bench.Order(_instance, InstanceState.Stopped);
        _bench.Reorder(_instance, row => row with { Watchdog = InstanceWatchdog.PowerOff, Restart = InstanceRestart.Never, State = InstanceState.Running });
        await _bench.UntilAsync(_instance, InstanceStatus.Crashed);

        Assert.That(_bench.RowOf(_instance)!.Why, Does.StartWith("The guest no longer fed its watchdog, which cut its power."));
    }

    [Test]
    public async Task A_watchdog_that_resets_begins_the_guest_anew_and_is_told()
    {
        Befall(Mishap.StarvesWatchdog);
        _bench.Order(_instance, InstanceState.Stopped);
        _bench.Reorder(_instance, row => row with { Watchdog = InstanceWatchdog.Reset, State = InstanceState.Running });
        await _bench.UntilAsync("it is told", () => _bench.Notifications.Any(told => told.Type == "instance-watchdog"));

        Assert.That(_bench.StatusOf(_instance), Is.EqualTo(InstanceStatus.Running));
    }

    /// <summary>So that what a fresh agent reports first is what there is.</summary>
    private async Task ConnectedAsync(CancellationToken cancellationToken)
    {
        while (!_libvirt.Connection.IsConnected)
            await _libvirt.Events.ReadAsync(cancellationToken);
    }

    private async Task ReconnectAsync(CancellationToken cancellationToken)
    {
        await _libvirt.DisposeAsync();
        _libvirt = NewHypervisor();
        await ConnectedAsync(cancellationToken);
    }

    private static void Befall(Mishap mishap) => RomGuest.Write(Path.Combine(Private.Directory, "reconciled.rom"), mishap: mishap);

    private async Task<DomainEnd?> EndedAsync(CancellationToken cancellationToken) => (await MarkAsync(cancellationToken)).Ended;

    private async Task<DomainMetadata> MarkAsync(CancellationToken cancellationToken) =>
        DomainMetadata.Of((await _libvirt.ScanAsync(cancellationToken)).Domains.Single(domain => domain.Uuid == _instance))!;

    private async Task<bool> PressAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _libvirt.ShutdownAsync(_instance, cancellationToken);
            return false;
        }
        catch (HypervisorException exception) when (exception.Failure == HypervisorFailure.WrongState)
        {
            // Off, as it was asked to.
            return true;
        }
    }

    private static Task BootsAsync(string log, int times) => Eventually.HoldsAsync(
        $"boot {times}", () => File.Exists(log) && File.ReadAllText(log).Split(RomGuest.Line).Length == times + 1);

    [Test]
    public async Task The_console_log_goes_with_its_instance()
    {
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        var log = _bench.RowOf(_instance)!.ConsoleLog!;
        Assert.That(log, Does.Exist);

        _bench.Order(_instance, null);
        await _bench.UntilAsync(_instance, null);
        await Eventually.HoldsAsync("the file is gone", () => !File.Exists(log));
    }

    [Test]
    public async Task An_agent_that_comes_back_finds_its_guest_running_and_leaves_it(CancellationToken cancellationToken)
    {
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        var pid = PrivateLibvirtFixture.Instance.GuestPids().Single();
        await _bench.DisposeAsync();
        await _libvirt.DisposeAsync();

        _libvirt = NewHypervisor();
        _bench = NewBench(PrivateLibvirtFixture.Instance.Directory, "");
        await _bench.UntilAsync(_instance, InstanceStatus.Running);

        Assert.That(PrivateLibvirtFixture.Instance.GuestPids(), Is.EqualTo((int[])[pid]));
    }

    [Test]
    public async Task An_instance_gets_and_loses_cards_while_it_runs_and_its_tap_devices_stay(CancellationToken cancellationToken)
    {
        RomGuest.Write(Path.Combine(Private.Directory, "reconciled.rom"), PowerButton.PowersOff);
        var first = Guid.NewGuid();
        var second = Guid.NewGuid();
        _bench.OrderCard(_instance, first);
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync("it waits", () => _bench.RowOf(_instance)?.Why?.Contains("there is no tap device", StringComparison.Ordinal) == true);
        await AddTapAsync(first);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        Assert.That(await CardsAsync(cancellationToken), Is.EqualTo([(first, "virtio", true)]));
        Assert.That(await CarrierAsync(first), Is.EqualTo("1"), "QEMU holds it");

        await AddTapAsync(second);
        _bench.OrderCard(_instance, second, index: 1);
        await SeesAsync([(first, "virtio", true), (second, "virtio", true)], cancellationToken);
        _bench.OrderCard(_instance, second, index: 1, link: VnicLink.Down);
        await SeesAsync([(first, "virtio", true), (second, "virtio", false)], cancellationToken);
        _bench.OrderCard(_instance, second, index: 1, model: VnicModel.E1000e);
        await SeesAsync([(first, "virtio", true), (second, "e1000e", true)], cancellationToken);
        _bench.RemoveCard(first);
        await SeesAsync([(second, "e1000e", true)], cancellationToken);
        Assert.That((await CarrierAsync(first), await CarrierAsync(second)), Is.EqualTo(("0", "1")), "the one is there, and let go of");

        // What it has now, it also has at its next start.
        _bench.Order(_instance, InstanceState.Stopped, stopTimeout: 0);
        await _bench.UntilAsync(_instance, InstanceStatus.Stopped);
        Assert.That(await CarrierAsync(second), Is.EqualTo("0"));
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        Assert.That(await CardsAsync(cancellationToken), Is.EqualTo([(second, "e1000e", true)]));
    }

    [Test]
    public async Task A_guest_that_does_not_release_a_card_is_stopped_and_started_without_it(CancellationToken cancellationToken)
    {
        // This one knows nothing of devices that are to go.
        var vnic = Guid.NewGuid();
        await AddTapAsync(vnic);
        _bench.OrderCard(_instance, vnic);
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);

        _bench.RemoveCard(vnic);
        await _bench.UntilAsync("it is said", () => _bench.RowOf(_instance)!.Why?.Contains("has not released", StringComparison.Ordinal) == true);
        Assert.That(await CardsAsync(cancellationToken), Is.EqualTo([(vnic, "virtio", true)]));

        _bench.Order(_instance, InstanceState.Stopped, stopTimeout: 0);
        await _bench.UntilAsync(_instance, InstanceStatus.Stopped);
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        Assert.That(await CardsAsync(cancellationToken), Is.Empty);
        Assert.That(_bench.RowOf(_instance)!.Why, Is.Null);
    }

    [Test]
    public async Task Cards_that_changed_while_the_agent_and_libvirt_were_away_are_found(CancellationToken cancellationToken)
    {
        RomGuest.Write(Path.Combine(Private.Directory, "reconciled.rom"), PowerButton.PowersOff);
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        await AddTapAsync(first);
        await AddTapAsync(second);
        _bench.OrderCard(_instance, first);
        _bench.Order(_instance, InstanceState.Running);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);

        await Private.KillDaemonAsync();
        _bench.OrderCard(_instance, second, index: 1, link: VnicLink.Down);
        await SeesAsync([(first, "virtio", true), (second, "virtio", false)], cancellationToken);
    }

    private static PrivateLibvirtd Private => PrivateLibvirtFixture.Instance;

    private static async Task<string> CarrierAsync(Guid vnic) =>
        (await File.ReadAllTextAsync($"{Private.Sys}/class/net/{LinkNames.Tap(vnic)}/carrier")).Trim();

    private async Task AddTapAsync(Guid vnic)
    {
        await Private.AddTapAsync(LinkNames.Tap(vnic));
        _taps.Add(vnic);
    }

    private async Task<IReadOnlyList<(Guid? Vnic, string? Model, bool IsUp)>> CardsAsync(CancellationToken cancellationToken) =>
    [
        .. (await _libvirt.ScanAsync(cancellationToken)).Domains.Single(domain => domain.Uuid == _instance)
            .Interfaces.Select(card => (card.Vnic, card.Model, card.IsUp)),
    ];

    private async Task SeesAsync((Guid? Vnic, string? Model, bool IsUp)[] cards, CancellationToken cancellationToken) => await Eventually.SeesAsync(
        "the cards", async _ => _libvirt.Connection.IsConnected ? await CardsAsync(cancellationToken) : [], seen => seen.SequenceEqual(cards));

    private static LibvirtHypervisor NewHypervisor() => new(
        new LibvirtOptions { Uri = PrivateLibvirtFixture.Instance.Uri }, TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);

    private ReconcilerBench NewBench(string directory, string rom) => new(_libvirt, TimeProvider.System, new DomainOptions
    {
        Accelerator = Accelerator.Tcg,
        ConsoleDirectory = directory,
        Boot = rom.Length == 0 ? new DisklessBoot.Bios() : new DisklessBoot.Rom(rom),
    }, new HostTaps(PrivateLibvirtFixture.Instance.Sys));
}
