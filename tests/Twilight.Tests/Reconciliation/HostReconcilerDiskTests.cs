using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class HostReconcilerDiskTests : HostReconcilerFixture
{
    private static readonly Guid Disk = Guid.Parse("0000000a-0000-0000-0000-000000000000");
    private static readonly Guid Volume = Guid.Parse("000000aa-0000-0000-0000-000000000000");
    private static readonly string Path = $"/srv/volume-{Volume}.1";
    private static readonly DiskState Ready = new(DiskReadiness.Ready, null, new DiskSource.Qcow2(Path), 16);
    private static readonly VdiskDesired Row = new() { Uuid = Disk, Instance = One, Volume = Volume, Index = 0 };

    private IReadOnlyList<ObservedDisk> Seen => Hypervisor.Domains[One].Disks;

    [Test]
    public async Task An_instance_waits_for_its_disk_and_is_said_to_have_it_before_it_starts()
    {
        Bench.OrderDisk(Row);
        Bench.Order(One, InstanceState.Running);
        await Bench.UntilAsync(One, InstanceStatus.Starting);
        Assert.That(Hypervisor.Calls, Is.Empty);
        var gate = Hypervisor.Hold("start", One);

        Bench.Disks.Set(Disk, Ready);
        await gate.Arrived;

        Assert.That(Bench.Disks.Held, Is.EqualTo([new DiskUse(One, Disk, Path)]));
        gate.Open();
        await Bench.UntilAsync(One, InstanceStatus.Running);
        Assert.That(Seen.Select(disk => disk.Source), Is.EqualTo([Path]));
    }

    [Test]
    public async Task What_is_being_worked_on_is_given_to_no_guest()
    {
        Bench.Disks.Refused.Add(Path);
        Bench.OrderDisk(Row);
        Bench.Disks.Set(Disk, Ready);
        Bench.Order(One, InstanceState.Running);
        await Bench.UntilAsync(One, InstanceStatus.Starting);
        Assert.That(Hypervisor.Calls, Is.Empty);

        Bench.Disks.Refused.Clear();
        Bench.Disks.Set(Disk, Ready);
        await Bench.UntilAsync(One, InstanceStatus.Running);
    }

    [Test]
    public async Task The_disks_of_a_running_instance_follow_their_rows()
    {
        await RunAsync();

        Bench.Disks.Set(Disk, Ready);
        Bench.OrderDisk(Row);
        await SeesAsync("a disk", () => Seen.Count == 1);
        Bench.OrderDisk(Row with { IopsMax = 5 });
        await SeesAsync("its limit", () => Seen.Single().IopsMax == 5);
        Bench.Disks.Set(Disk, Ready with { Size = 32 });
        await SeesAsync("its size", () => Hypervisor.DisksOf(One).Sizes.GetValueOrDefault("vda") == 32 << 20);
        Bench.RemoveDisk(Disk);
        await SeesAsync("no disk", () => Seen.Count == 0);
        await SeesAsync("nobody to have it", () => Bench.Disks.Held.Count == 0);

        Assert.That(Bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));
        Assert.That(
            Calls, Is.EqualTo((string[])["define", "start", "attach", "limit", "grow", "detach"]));
    }

    [Test]
    public async Task A_start_that_was_given_up_may_have_its_disk_until_it_has_ended()
    {
        Bench.OrderDisk(Row);
        Bench.Disks.Set(Disk, Ready);
        var gate = Hypervisor.Hold("attach", One);
        Bench.RemoveDisk(Disk);
        await RunAsync();
        Bench.OrderDisk(Row);
        await gate.Arrived;

        // The call is withdrawn, and what it does is not known.
        Bench.RemoveDisk(Disk);
        await SeesAsync("the call to be given up", () => Bench.Disks.Held.Count == 1);
        gate.Open();

        await SeesAsync("the disk to be taken away again", () => Hypervisor.Calls.Contains($"detach {One}") && Seen.Count == 0);
        await SeesAsync("nobody to have it", () => Bench.Disks.Held.Count == 0);
    }

    [Test]
    public async Task A_disk_that_cannot_be_plugged_in_is_told_once_and_tried_again()
    {
        await RunAsync();
        Hypervisor.Fail("attach", One, "no room");
        Bench.Disks.Set(Disk, Ready);
        Bench.OrderDisk(Row);
        await Bench.UntilAsync("it is said", () => Bench.RowOf(One)!.Why == $"Its disk {Disk} could not be plugged in: no room");

        await Bench.UntilQuietAsync("it is plugged in", () => Seen.Count == 1 && Bench.RowOf(One)!.Why is null);

        Assert.That(Bench.Notifications.Select(notification => notification.Type), Is.EqualTo((string[])["instance-disk-failed"]));
    }
}
