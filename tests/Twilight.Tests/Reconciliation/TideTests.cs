using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>Orders against the tide: somebody at the machine, or the machine itself, works against what is ordered. With libvirt and QEMU.</summary>
[CancelAfter(180_000)]
public sealed class TideTests
{
    private Guid _instance;
    private LibvirtHypervisor _libvirt = null!;
    private ReconcilerBench _bench = null!;

    private static PrivateLibvirtd Private => PrivateLibvirtFixture.Instance;

    [SetUp]
    public async Task MakeAsync()
    {
        var rom = Path.Combine(Private.Directory, "tide.rom");
        RomGuest.Write(rom);
        _instance = Guid.NewGuid();
        // So that a daemon that stands still is noticed soon.
        _libvirt = new LibvirtHypervisor(
            new LibvirtOptions { Uri = Private.Uri, KeepAliveSeconds = 3 }, TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);
        while (!_libvirt.Connection.IsConnected)
            await _libvirt.Events.ReadAsync(TestContext.CurrentContext.CancellationToken);
        _bench = new ReconcilerBench(_libvirt, TimeProvider.System, new DomainOptions
        {
            Accelerator = Accelerator.Tcg,
            ConsoleDirectory = Private.Directory,
            Boot = new DisklessBoot.Rom(rom),
        }, new HostTaps(Private.Sys));
        _bench.Order(_instance, InstanceState.Running, stopTimeout: 0);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
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
    public async Task Power_that_somebody_else_cuts_is_told_and_comes_back(CancellationToken cancellationToken)
    {
        await _libvirt.DestroyAsync(_instance, cancellationToken);
        await _bench.UntilAsync("it is told", () => _bench.Notifications.Any(told => told.Type == "instance-went-off"));

        await _bench.UntilAsync(_instance, InstanceStatus.Running);
        Assert.That(_bench.Notifications[0].Text, Is.EqualTo("Somebody else cut the power."));
    }

    [Test]
    public async Task A_domain_that_somebody_else_removes_is_made_and_started_again(CancellationToken cancellationToken)
    {
        var before = Private.GuestPids().Single();
        await _libvirt.DestroyAsync(_instance, cancellationToken);
        await _libvirt.UndefineAsync(_instance, cancellationToken);

        await Eventually.HoldsAsync("another emulator", () => Private.GuestPids() is [var pid] && pid != before);
        await _bench.UntilAsync("it runs", () => _bench.StatusOf(_instance) == InstanceStatus.Running);
    }

    [Test]
    public async Task A_definition_that_somebody_else_replaces_lasts_until_the_next_start(CancellationToken cancellationToken)
    {
        var ours = await _libvirt.GetXmlAsync(_instance, cancellationToken);
        await _libvirt.DefineAsync(
            _instance, ours.Replace("<title>web</title>", "<title>theirs</title>", StringComparison.Ordinal), cancellationToken);
        Assert.That(await _libvirt.GetXmlAsync(_instance, cancellationToken), Does.Contain("theirs"));

        _bench.Order(_instance, InstanceState.Stopped, stopTimeout: 0);
        await _bench.UntilAsync(_instance, InstanceStatus.Stopped);
        _bench.Order(_instance, InstanceState.Running, stopTimeout: 0);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);

        Assert.That(await _libvirt.GetXmlAsync(_instance, cancellationToken), Does.Contain("<title>web</title>"));
    }

    [Test]
    public async Task An_emulator_that_is_killed_is_a_crash_and_comes_back()
    {
        var before = Private.GuestPids().Single();
        await ChildProcess.SendAsync(before, ProcessSignal.Kill);

        await _bench.UntilAsync("it is told", () => _bench.Notifications.Any(told => told.Type == "instance-crashed"));
        await Eventually.HoldsAsync("another emulator", () => Private.GuestPids() is [var pid] && pid != before);
        await _bench.UntilAsync(_instance, InstanceStatus.Running);
    }

    [Test]
    public async Task Of_two_hundred_orders_in_a_moment_the_last_one_holds_and_no_earlier_one_comes_after_it(CancellationToken cancellationToken)
    {
        for (var i = 0; i < 200; i++)
        {
            _bench.Order(
                _instance, (i % 4) switch
                {
                    0 => InstanceState.Stopped,
                    1 => InstanceState.Running,
                    2 => InstanceState.Paused,
                    _ => InstanceState.Running,
                },
                stopTimeout: 0);
        }
        _bench.Order(_instance, InstanceState.Stopped, stopTimeout: 0);
        await _bench.UntilAsync(_instance, InstanceStatus.Stopped);
        var starts = (await _libvirt.ScanAsync(cancellationToken)).Domains.Single(domain => domain.Uuid == _instance);
        Assert.That(starts.State, Is.EqualTo(DomainState.Off));

        // Another order shows that nothing was left in between: it is the next thing that is seen.
        var seen = new List<InstanceStatus?>();
        _bench.Order(_instance, InstanceState.Paused, stopTimeout: 0);
        await _bench.UntilAsync("it is paused", () =>
        {
            if (seen.Count == 0 || seen[^1] != _bench.StatusOf(_instance))
                seen.Add(_bench.StatusOf(_instance));
            return seen[^1] == InstanceStatus.Paused;
        });
        Assert.That(seen, Is.SubsetOf((InstanceStatus?[])[InstanceStatus.Stopped, InstanceStatus.Starting, InstanceStatus.Paused]));
    }

    [TestCase(InstanceState.Stopped)]
    [TestCase(InstanceState.Running)]
    public async Task Of_orders_that_come_while_libvirtd_stands_still_the_last_one_holds(InstanceState last)
    {
        var before = Private.GuestPids().Single();
        await Private.SignalDaemonAsync(ProcessSignal.Stop);
        try
        {
            // The first of them is in a call that nobody answers.
            for (var i = 0; i < 20; i++)
                _bench.Order(_instance, i % 2 == 0 ? InstanceState.Paused : InstanceState.Running, stopTimeout: 0);
            _bench.Order(_instance, InstanceState.Stopped, stopTimeout: 0);
            await _bench.UntilAsync("it is told", () => _bench.Notifications.Any(told => told.Type == "hypervisor-away"));
            _bench.Order(_instance, last, stopTimeout: 0);
            Assert.That(Private.GuestPids(), Is.EqualTo((int[])[before]), "nothing is decided");
        }
        finally
        {
            await Private.SignalDaemonAsync(ProcessSignal.Continue);
        }

        await _bench.UntilAsync("it is told", () => _bench.Notifications.Any(told => told.Type == "hypervisor-back"));
        await _bench.UntilAsync(_instance, last == InstanceState.Stopped ? InstanceStatus.Stopped : InstanceStatus.Running);
        if (last == InstanceState.Stopped)
            await Eventually.HoldsAsync("no emulator", () => Private.GuestPids().Count == 0);
        else
            Assert.That(Private.GuestPids(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_host_without_the_memory_says_so_tries_again_and_goes_on_with_all_else()
    {
        const long most = 6L << 30;
        var large = Guid.NewGuid();
        await Private.LimitMemoryAsync(most);
        try
        {
            _bench.Order(large, InstanceState.Running, mem: most >> 20, stopTimeout: 0);
            await _bench.UntilAsync(large, InstanceStatus.Broken);
            Assert.That(_bench.RowOf(large)!.Why, Does.Contain("Cannot allocate memory"));
            Assert.That(_bench.Notifications.Select(told => (told.Type, told.Instance)), Is.EqualTo([("instance-broken", (Guid?)large)]));

            // The others neither notice nor wait.
            _bench.Order(_instance, InstanceState.Paused, stopTimeout: 0);
            await _bench.UntilAsync(_instance, InstanceStatus.Paused);
            _bench.Order(large, InstanceState.Stopped, mem: most >> 20, stopTimeout: 0);
            await _bench.UntilAsync(large, InstanceStatus.Stopped);
            _bench.Order(large, InstanceState.Running, mem: most >> 20, stopTimeout: 0);
            await _bench.UntilAsync(large, InstanceStatus.Broken);

            await Private.LimitMemoryAsync(null);
            await _bench.UntilAsync(large, InstanceStatus.Running);
            Assert.That(Private.GuestPid(large), Is.Not.Null);
        }
        finally
        {
            await Private.LimitMemoryAsync(null);
            _bench.Order(large, null);
            await _bench.UntilAsync(large, null);
        }
    }
}
