using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>The whole way from rows to QEMU and back.</summary>
[CancelAfter(120_000)]
public sealed class HostReconcilerOnLibvirtTests
{
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
        // So that what the fresh agent reports first is what there is.
        while (!_libvirt.Connection.IsConnected)
            await _libvirt.Events.ReadAsync(TestContext.CurrentContext.CancellationToken);
        _bench = NewBench(directory, rom);
    }

    [TearDown]
    public async Task DisposeAsync()
    {
        _bench.Order(_instance, null);
        await _bench.UntilAsync(_instance, null);
        await _bench.DisposeAsync();
        await _libvirt.DisposeAsync();
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

    private static LibvirtHypervisor NewHypervisor() => new(
        new LibvirtOptions { Uri = PrivateLibvirtFixture.Instance.Uri }, TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);

    private ReconcilerBench NewBench(string directory, string rom) => new(_libvirt, TimeProvider.System, new DomainOptions
    {
        Accelerator = Accelerator.Tcg,
        ConsoleDirectory = directory,
        Boot = rom.Length == 0 ? new DisklessBoot.Bios() : new DisklessBoot.Rom(rom),
    });
}
