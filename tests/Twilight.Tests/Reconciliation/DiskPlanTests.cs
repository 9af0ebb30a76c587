using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>What is planned for the disks of instances.</summary>
public sealed class DiskPlanTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Guid DiskA = Guid.Parse("0000000a-0000-0000-0000-000000000000");
    private static readonly Guid DiskB = Guid.Parse("0000000b-0000-0000-0000-000000000000");
    private static readonly Guid Volume = Guid.Parse("000000aa-0000-0000-0000-000000000000");
    private static readonly Guid Other = Guid.Parse("000000bb-0000-0000-0000-000000000000");
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(1000);
    private static readonly RetryOptions Retry = new();

    private PlannerBench _bench = null!;

    [SetUp]
    public void Make() => _bench = new PlannerBench();

    [Test]
    public void An_instance_starts_with_its_disks_in_their_order_when_they_are_ready()
    {
        _bench.Want(One, InstanceState.Running);
        _bench.WantDisk(Row(DiskB, Other) with { Index = 1 });
        _bench.WantDisk(Row(DiskA, Volume));
        _bench.SetDisk(DiskA, Ready(Volume));

        Assert.That(Plan(), Is.EqualTo((
            InstanceStatus.Starting, (string?)null, $"Its disk {DiskB} is not ready: its content is not known on this host yet.", Now + TimeSpan.FromSeconds(1))));

        _bench.SetDisk(DiskB, Ready(Other));
        var start = (InstanceAction.Start)Action()!;
        Assert.That(ObservedDisk.AllOf(start.Definition.Xml).Select(disk => disk.Vdisk), Is.EqualTo(new Guid?[] { DiskA, DiskB }));
        Assert.That(start.Disks.Disks.Select(disk => disk.Source.Name), Is.EqualTo((string[])[PathOf(Volume), PathOf(Other)]));
    }

    [Test]
    public void An_instance_with_a_disk_that_cannot_be_had_is_broken_and_says_why()
    {
        _bench.Want(One, InstanceState.Running);
        _bench.WantDisk(Row(DiskA, Volume));
        _bench.WantDisk(Row(DiskB, Other) with { Index = 1 });
        _bench.SetDisk(DiskB, new DiskState(DiskReadiness.Broken, "its content is lost"));

        Assert.That(Plan(), Is.EqualTo((InstanceStatus.Broken, (string?)null, $"Its disk {DiskB}: its content is lost.", Now + TimeSpan.FromSeconds(10))));
    }

    [TestCase(VdiskBus.Virtio)]
    [TestCase(VdiskBus.Sata)]
    public void A_disk_for_which_its_bus_has_no_place_is_named(VdiskBus bus)
    {
        _bench.Want(One, InstanceState.Running);
        _bench.WantDisk(Row(DiskA, Volume) with { Index = 32, Bus = bus });
        _bench.SetDisk(DiskA, Ready(Volume));

        Assert.That((Plan().Status, Plan().Why), Is.EqualTo((
            InstanceStatus.Broken, $"Its disk {DiskA}: the bus {bus.ToString().ToLowerInvariant()} takes indexes up to 31.")));
    }

    private static IEnumerable<TestCaseData> Changes()
    {
        var cd = Row(DiskA, null) with { Image = Other, Bus = VdiskBus.Sata };
        var drive = Seen(DiskA, Volume) with { IsCdrom = true, Target = "sda", Bus = "sata", Source = $"/srv/image-{Volume}" };
        (string What, VdiskDesired? Row, ObservedDisk? Seen, string? Action, string? Why)[] rows =
        [
            ("as it is to be", Row(DiskA, Volume), Seen(DiskA, Volume), null, null),
            ("missing", Row(DiskA, Volume), null, "plug disk", null),
            ("unwanted", null, Seen(DiskA, Volume), "unplug disk", null),
            ("another volume", Row(DiskA, Volume), Seen(DiskA, Other), "unplug disk", null),
            ("one that somebody else plugged in", null, Seen(DiskA, Volume) with { Vdisk = null }, null, null),
            ("other limits", Row(DiskA, Volume) with { IopsMax = 7, BandwidthMax = 2 }, Seen(DiskA, Volume), $"limit disk {DiskA} of {One} to 7/s, 2048 B/s", null),
            ("no limit", Row(DiskA, Volume), Seen(DiskA, Volume) with { IopsMax = 7 }, $"limit disk {DiskA} of {One} to 0/s, 0 B/s", null),
            ("an older content of its volume", Row(DiskA, Volume), Seen(DiskA, Volume) with { Source = $"/srv/volume-{Volume}.1" }, null, "another content from the next start"),
            ("another bus and cache", Row(DiskA, Volume) with { Bus = VdiskBus.Scsi, Cache = VdiskCache.Unsafe }, Seen(DiskA, Volume), null, $"Its disk {DiskA} has another bus and cache from the next start on."),
            ("another index", Row(DiskA, Volume) with { Index = 1 }, Seen(DiskA, Volume), null, "another index from the next start"),
            ("missing on a bus that is never plugged into", Row(DiskA, Volume) with { Bus = VdiskBus.Sata }, null, null, "comes at the next start"),
            ("unwanted on such a bus", null, Seen(DiskA, Volume) with { Bus = "sata", Target = "sda" }, null, "goes at the next start"),
            ("another image that is not ready", cd, drive, "eject", null),
            ("a drive that is not wanted", null, drive, "eject", null),
            ("an empty drive that is not wanted", null, drive with { Source = null }, null, null),
        ];
        return rows.Select(row => new TestCaseData(row.Row, row.Seen, row.Action, row.Why).SetArgDisplayNames(row.What));
    }

    [TestCaseSource(nameof(Changes))]
    public void A_running_domain_gets_the_smallest_change(VdiskDesired? row, ObservedDisk? seen, string? action, string? why)
    {
        if (row is not null)
            _bench.WantDisk(row);
        if (row?.Volume is not null)
            _bench.SetDisk(DiskA, Ready(Volume));
        _bench.Want(One, InstanceState.Running);
        _bench.Observe(One, DomainState.Running);
        _bench.ObserveDisks(One, seen is null ? [] : [seen]);
        Told(DiskA);

        var plan = Plan();

        Assert.That(plan.Status, Is.EqualTo(InstanceStatus.Running));
        Assert.That(plan.Action, action is null ? Is.Null : Does.StartWith(action));
        if (why is not null)
            Assert.That(plan.Why, Does.Contain(why));
    }

    [Test]
    public void Another_image_is_put_in_as_soon_as_it_is_ready()
    {
        var drive = Seen(DiskA, Volume) with { IsCdrom = true, Target = "sda", Bus = "sata", Source = $"/srv/image-{Volume}" };
        Running(drive);
        _bench.WantDisk(Row(DiskA, null) with { Image = Other });
        _bench.SetDisk(DiskA, new DiskState(DiskReadiness.Ready, null, new DiskSource.Qcow2($"/srv/image-{Other}")));

        Assert.That(Action()!.ToString(), Is.EqualTo($"put {Other} into CD-ROM {DiskA} of {One}"));
        _bench.ObserveDisks(One, drive with { Source = $"/srv/image-{Other}" });
        Assert.That(Action(), Is.Null);
    }

    [Test]
    public void What_is_under_a_guest_is_not_taken_away_because_it_is_not_known_here_yet()
    {
        Running(Seen(DiskA, Volume));
        _bench.WantDisk(Row(DiskA, Volume));

        Assert.That((Action(), Plan().Why), Is.EqualTo(((InstanceAction?)null, (string?)null)));
    }

    [Test]
    public void A_disk_that_was_grown_is_told_to_the_guest_once()
    {
        Running(Seen(DiskA, Volume));
        _bench.WantDisk(Row(DiskA, Volume));
        _bench.SetDisk(DiskA, Ready(Volume) with { Size = 128 });
        Told(DiskA, 64);

        var grow = Action()!;
        Assert.That(grow.ToString(), Is.EqualTo($"grow disk {DiskA} of {One} to 128 MiB"));
        _bench.End(new ActionOutcome(grow, ActionEnd.Done), Now, Retry);
        Assert.That(Action(), Is.Null);
    }

    [Test]
    public void A_unit_is_larger_for_the_guest_from_its_next_start_on()
    {
        var unit = new DiskSource.Iscsi("192.0.2.1:3260", "iqn.2026-01.test:t", 1, "iqn.2026-01.test:host", 64 << 20, null, null);
        Running(Seen(DiskA, Volume) with { Source = unit.Name });
        _bench.WantDisk(Row(DiskA, Volume));
        _bench.SetDisk(DiskA, new DiskState(DiskReadiness.Ready, null, unit, 128));
        Told(DiskA, 64);

        Assert.That((Action(), Plan().Why), Is.EqualTo(((InstanceAction?)null, $"Its disk {DiskA} has its new size from the next start on.")));
    }

    [Test]
    public void A_guest_that_does_not_let_go_is_asked_again_and_what_is_to_take_the_place_waits()
    {
        Running(Seen(DiskA, Volume));
        _bench.WantDisk(Row(DiskB, Other));
        _bench.SetDisk(DiskB, Ready(Other));
        _bench.Remember(One, Now, Retry);
        var ask = Action()!;
        Assert.That(ask, Is.InstanceOf<InstanceAction.UnplugDisk>());
        _bench.End(new ActionOutcome(ask, ActionEnd.Done), Now, Retry);

        var waiting = Plan();
        Assert.That((waiting.Action, waiting.WakeAt), Is.EqualTo(((string?)null, Now + Retry.Release.First)));
        Assert.That(waiting.Why, Does.Contain($"has not released its disk {DiskA}").And.Contain("next start"));
        _bench.ObserveDisks(One);
        _bench.Remember(One, Now, Retry);
        Assert.That(Action(), Is.InstanceOf<InstanceAction.PlugDisk>());
    }

    [Test]
    public void Each_change_of_a_disk_has_a_patience_of_its_own()
    {
        Running(Seen(DiskA, Volume));
        _bench.WantDisk(Row(DiskA, Volume) with { IopsMax = 5 });
        _bench.SetDisk(DiskA, Ready(Volume) with { Size = 128 });
        Told(DiskA, 64);
        foreach (var expected in new[] { typeof(InstanceAction.LimitDisk), typeof(InstanceAction.GrowDisk) })
        {
            var action = Action()!;
            Assert.That(action, Is.InstanceOf(expected));
            _bench.End(new ActionOutcome(action, ActionEnd.Failed, "no"), Now, Retry);
        }

        Assert.That(Plan(), Is.EqualTo((
            InstanceStatus.Running, (string?)null, $"The limits of its disk {DiskA} could not be set: no", Now + Retry.Backoff.First)));
    }

    [Test]
    public void A_disk_beyond_the_spare_ports_comes_at_the_next_start()
    {
        Running();
        _bench.WantDisk(Row(DiskA, Volume) with { Index = 8 });
        _bench.SetDisk(DiskA, Ready(Volume));
        _bench.Remember(One, Now, Retry);
        _bench.End(new ActionOutcome(Action()!, ActionEnd.Failed, "no such bus"), Now, Retry);

        Assert.That(Plan().Why, Is.EqualTo($"Its disk {DiskA} comes at the next start, since the guest has no place for it now."));
    }

    [Test]
    public void A_plug_under_way_is_kept_while_it_leads_to_what_is_wanted()
    {
        Running();
        var row = Row(DiskA, Volume);
        _bench.WantDisk(row);
        _bench.SetDisk(DiskA, Ready(Volume));
        var plug = Action()!;
        _bench.InFlight(plug);

        Assert.That(Action(), Is.SameAs(plug));
        _bench.WantDisk(row with { IopsMax = 3 });
        Assert.That(Action(), Is.SameAs(plug), "its limits are set later");
        _bench.UnwantDisk(DiskA);
        Assert.That(Action(), Is.Null, "which cancels it");
    }

    private static VdiskDesired Row(Guid vdisk, Guid? volume) => new() { Uuid = vdisk, Instance = One, Volume = volume, Index = 0 };

    private static string PathOf(Guid volume) => $"/srv/volume-{volume}.2";

    private static DiskState Ready(Guid volume) => new(DiskReadiness.Ready, null, new DiskSource.Qcow2(PathOf(volume)), 64);

    private static ObservedDisk Seen(Guid vdisk, Guid volume) => new()
    {
        Vdisk = vdisk,
        Target = "vda",
        Bus = "virtio",
        Source = PathOf(volume),
        Cache = "none",
    };

    private void Running(params ObservedDisk[] disks)
    {
        _bench.Want(One, InstanceState.Running);
        _bench.Observe(One, DomainState.Running);
        _bench.ObserveDisks(One, disks);
    }

    private void Told(Guid vdisk, long size = 64)
    {
        _bench.Remember(One, Now, Retry);
        _bench.End(new ActionOutcome(new InstanceAction.GrowDisk(One, Seen(vdisk, Volume), size), ActionEnd.Done), Now, Retry);
    }

    private InstanceAction? Action() => _bench.Plan(Now).Instances.Single().Action;

    private (InstanceStatus Status, string? Action, string? Why, TimeSpan? WakeAt) Plan()
    {
        var plan = _bench.Plan(Now).Instances.Single();
        return (plan.Status.Status, plan.Action?.ToString(), plan.Status.Why, plan.WakeAt);
    }
}
