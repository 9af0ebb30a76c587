using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class HostReconcilerDiskTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Guid Disk = Guid.Parse("0000000a-0000-0000-0000-000000000000");
    private static readonly Guid Volume = Guid.Parse("000000aa-0000-0000-0000-000000000000");
    private static readonly string Path = $"/srv/volume-{Volume}.1";
    private static readonly DiskState Ready = new(DiskReadiness.Ready, null, new DiskSource.Qcow2(Path), 16);
    private static readonly VdiskDesired Row = new() { Uuid = Disk, Instance = One, Volume = Volume, Index = 0 };

    private ReconcilerBench _bench = null!;

    private FakeHypervisor Hypervisor => _bench.Hypervisor;

    private IReadOnlyList<ObservedDisk> Seen => Hypervisor.Domains[One].Disks;

    [SetUp]
    public void Make() => _bench = new ReconcilerBench();

    [TearDown]
    public async Task DisposeAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task An_instance_waits_for_its_disk_and_is_said_to_have_it_before_it_starts()
    {
        _bench.OrderDisk(Row);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Starting);
        Assert.That(Hypervisor.Calls, Is.Empty);
        var gate = Hypervisor.Hold("start", One);

        _bench.Disks.Set(Disk, Ready);
        await gate.Arrived;

        Assert.That(_bench.Disks.Held, Is.EqualTo([new DiskUse(One, Disk, Path)]));
        gate.Open();
        await _bench.UntilAsync(One, InstanceStatus.Running);
        Assert.That(Seen.Select(disk => disk.Source), Is.EqualTo([Path]));
    }

    [Test]
    public async Task What_is_being_worked_on_is_given_to_no_guest()
    {
        _bench.Disks.Refused.Add(Path);
        _bench.OrderDisk(Row);
        _bench.Disks.Set(Disk, Ready);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Starting);
        Assert.That(Hypervisor.Calls, Is.Empty);

        _bench.Disks.Refused.Clear();
        _bench.Disks.Set(Disk, Ready);
        await _bench.UntilAsync(One, InstanceStatus.Running);
    }

    [Test]
    public async Task The_disks_of_a_running_instance_follow_their_rows()
    {
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);

        _bench.Disks.Set(Disk, Ready);
        _bench.OrderDisk(Row);
        await SeesAsync("a disk", () => Seen.Count == 1);
        _bench.OrderDisk(Row with { IopsMax = 5 });
        await SeesAsync("its limit", () => Seen.Single().IopsMax == 5);
        _bench.Disks.Set(Disk, Ready with { Size = 32 });
        await SeesAsync("its size", () => Hypervisor.DisksOf(One).Sizes.GetValueOrDefault("vda") == 32 << 20);
        _bench.RemoveDisk(Disk);
        await SeesAsync("no disk", () => Seen.Count == 0);
        await SeesAsync("nobody to have it", () => _bench.Disks.Held.Count == 0);

        Assert.That(_bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));
        Assert.That(
            Hypervisor.Calls.Select(call => call.Split(' ')[0]), Is.EqualTo((string[])["define", "start", "attach", "limit", "grow", "detach"]));
    }

    [Test]
    public async Task A_start_that_was_given_up_may_have_its_disk_until_it_has_ended()
    {
        _bench.OrderDisk(Row);
        _bench.Disks.Set(Disk, Ready);
        var gate = Hypervisor.Hold("attach", One);
        _bench.RemoveDisk(Disk);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        _bench.OrderDisk(Row);
        await gate.Arrived;

        // The call is withdrawn, and what it does is not known.
        _bench.RemoveDisk(Disk);
        await SeesAsync("the call to be given up", () => _bench.Disks.Held.Count == 1);
        gate.Open();

        await SeesAsync("the disk to be taken away again", () => Hypervisor.Calls.Contains($"detach {One}") && Seen.Count == 0);
        await SeesAsync("nobody to have it", () => _bench.Disks.Held.Count == 0);
    }

    [Test]
    public async Task A_disk_that_cannot_be_plugged_in_is_told_once_and_tried_again()
    {
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        Hypervisor.Fail("attach", One, "no room");
        _bench.Disks.Set(Disk, Ready);
        _bench.OrderDisk(Row);
        await _bench.UntilAsync("it is said", () => _bench.RowOf(One)!.Why == $"Its disk {Disk} could not be plugged in: no room");

        await _bench.UntilQuietAsync("it is plugged in", () => Seen.Count == 1 && _bench.RowOf(One)!.Why is null);

        Assert.That(_bench.Notifications.Select(notification => notification.Type), Is.EqualTo((string[])["instance-disk-failed"]));
    }

    private static Task SeesAsync(string what, Func<bool> holds) => Eventually.HoldsAsync(what, holds);
}
