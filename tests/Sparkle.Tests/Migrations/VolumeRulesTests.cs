using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Migrations;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>The picture of volumes that only one host reaches in the room's README, line by line.</summary>
[TestFixture]
public sealed class VolumeRulesTests
{
    private static readonly Guid Instance = Number(9);
    private static readonly Guid Volume = Number(11);
    private static readonly Guid Source = Number(1);
    private static readonly Guid Destination = Number(2);
    private static readonly Guid Third = Number(3);
    private static readonly Guid Turn = Number(77);

    [Test]
    public void Ordered_and_on_room_is_ordered_before_the_destination_hears_of_it()
    {
        var decision = Check(On(Here(), Word(Destination)), (Source, MigrationRole.Stay));
        Assert.That(decision.Handover!.Made, Is.EqualTo(new[] { Row(Destination, CopyFill.Hypervisor) }));
        Assert.That((decision.Handover.From, decision.Handover.To, decision.Handover.EndsOrder), Is.EqualTo(((Guid?)Source, Source, false)));
        Assert.That(Check(On(Here() with { Said = null }, Word(Destination)), (Source, MigrationRole.Stay)).Handover, Is.Null, "it did not say that it has it");
    }

    [Test]
    public void It_is_sent_when_the_destination_is_ready_and_has_room_for_the_volume()
    {
        var ready = Word(Destination, "ready", MigrationRole.Receive);
        Check(On(Here(), Word(Destination)) with { Volumes = With(Copy(Destination, CopyFill.Hypervisor)) }, (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
        Check(On(Here(), ready) with { Volumes = With(Copy(Destination, CopyFill.Hypervisor)) }, (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
        Check(On(Here(), ready) with { Volumes = With(Copy(Destination, CopyFill.Hypervisor, "ready")) }, (Source, MigrationRole.Send), (Destination, MigrationRole.Receive));
        var broken = On(Here(), ready) with { Volumes = With(Copy(Destination, CopyFill.Hypervisor, "broken")) };
        var shown = MoveRules.Decide(broken).Shown!;
        Assert.That((shown.Status, shown.Why), Is.EqualTo((MigrationStatus.Broken, "host: No room.")));
    }

    [Test]
    public void Copies_for_another_destination_or_filled_otherwise_are_replaced()
    {
        var decision = MoveRules.Decide(On(Here(), Word(Destination)) with { Volumes = With(Copy(Third, CopyFill.Hypervisor), Copy(Destination, CopyFill.Fetch)) });
        Assert.That(decision.Handover!.Made, Is.EqualTo(new[] { Row(Destination, CopyFill.Hypervisor) }));
        Assert.That(decision.Handover.Dropped.Select(row => (row.Host, row.Fill)), Is.EqualTo(new[] { (Third, CopyFill.Hypervisor), (Destination, CopyFill.Fetch) }));
        var busy = MoveRules.Decide(On(Here(), Word(Destination, "receiving", MigrationRole.Receive)) with { Volumes = With(Copy(Destination, CopyFill.Fetch)) });
        Assert.That(busy.Handover, Is.Null, "something may be written there");
    }

    [Test]
    public void Whole_and_gone_from_the_source_the_copies_are_the_contents()
    {
        var copy = Copy(Destination, CopyFill.Hypervisor, "ready");
        var arrived = On(Word(Source, "left", MigrationRole.Send, peer: Destination), Word(Destination, "arrived", MigrationRole.Receive));
        var handover = MoveRules.Decide(arrived with { Volumes = With(copy, Copy(Third, CopyFill.Hypervisor)) }).Handover!;
        Assert.That((handover.To, handover.EndsOrder), Is.EqualTo((Destination, true)));
        Assert.That(handover.Taken.Select(taken => taken.Copy), Is.EqualTo(new[] { copy.Row }));
        Assert.That(handover.Dropped.Select(row => row.Host), Is.EqualTo(new[] { Third }));
        var detached = MoveRules.Decide(arrived with { Volumes = new VolumeMoves([], [copy]) }).Handover!;
        Assert.That((detached.Taken.Count, detached.Dropped.Count), Is.EqualTo((0, 1)), "what the instance has no more stays where it is");
    }

    [Test]
    public void Sending_is_broken_off_when_the_volume_is_not_among_what_is_sent_or_is_to_stay()
    {
        var sending = On(Word(Source, "sending", MigrationRole.Send), Word(Destination, "receiving", MigrationRole.Receive));
        Check(sending with { Volumes = With(Copy(Destination, CopyFill.Hypervisor, "ready")) }, (Source, MigrationRole.Send), (Destination, MigrationRole.Receive));
        var missing = Check(sending with { Volumes = With() }, (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
        Assert.That(missing.Shown!.Why, Is.EqualTo("Its volume root is not among what is being copied."));
        var kept = With(Copy(Destination, CopyFill.Hypervisor, "ready"));
        kept = kept with { Volumes = [kept.Volumes[0] with { Obstacle = "Its volume root has snapshots." }] };
        Check(sending with { Volumes = kept }, (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
    }

    [Test]
    public void Withdrawn_and_settled_the_copies_go()
    {
        var copies = With(Copy(Destination, CopyFill.Hypervisor, "ready"));
        var busy = Check(On(Here(), Word(Destination, "ready", MigrationRole.Receive)) with { Order = null, Volumes = copies }, (Source, MigrationRole.Stay));
        Assert.That(busy.Handover, Is.Null);
        var settled = Check(On(Here(), Word(Destination)) with { Order = null, Volumes = copies }, (Source, MigrationRole.Stay));
        Assert.That((settled.Handover!.Order, settled.Handover.To, settled.Handover.Dropped.Count), Is.EqualTo(((MigrationDesired?)null, Source, 1)));
        Check(On(Word(Source), Word(Destination)) with { Order = null, Volumes = copies }, (Source, MigrationRole.Stay));
        Check(On(Here(), Word(Destination)) with { Order = null, Volumes = With() });
    }

    [Test]
    public void A_copy_where_the_place_was_put_by_hand_is_left_alone() =>
        Assert.That(Check(On(Here(), Word(Destination)) with { Order = null, Volumes = With(Copy(Source, CopyFill.Hypervisor, "ready")) }).Handover, Is.Null);

    [Test]
    public void Off_and_gone_from_the_source_fetching_is_ordered_and_then_told()
    {
        var ordered = Check(Off(Left(), Word(Destination)), (Source, MigrationRole.Send));
        Assert.That(ordered.Handover!.Made, Is.EqualTo(new[] { Row(Destination, CopyFill.Fetch) }));
        var told = Check(
            Off(Left(), Word(Destination)) with { Volumes = With(Copy(Destination, CopyFill.Fetch, "preparing")) },
            (Source, MigrationRole.Send), (Destination, MigrationRole.Stay));
        var door = told.Told.Single(telling => telling.Host == Destination);
        Assert.That((door.Endpoint, door.Fingerprint, door.Ticket, door.Peer), Is.EqualTo(("https://there:1", "aa", "ticket", Source)));
        Assert.That((told.Handover, told.Shown!.Status, told.Shown.Progress, told.Shown.Bytes), Is.EqualTo(((Handover?)null, MigrationStatus.Copying, 40, 4096)));
    }

    [Test]
    public void All_of_it_there_and_nothing_else_of_the_instance_the_place_goes()
    {
        var whole = With(Copy(Destination, CopyFill.Fetch, "ready"));
        var handover = MoveRules.Decide(Off(Left(), Word(Destination, "left", MigrationRole.Stay)) with { Volumes = whole }).Handover!;
        Assert.That((handover.To, handover.EndsOrder, handover.Taken.Count, handover.Dropped.Count), Is.EqualTo((Destination, true, 1, 0)));
        var late = Word(Destination, "left", MigrationRole.Stay);
        late = late with { Said = late.Said! with { Turn = Number(76) } };
        Assert.That(MoveRules.Decide(Off(Left(), late) with { Volumes = whole }).Handover, Is.Null, "of another turn");
        var half = With(Copy(Destination, CopyFill.Fetch, "preparing"));
        Assert.That(MoveRules.Decide(Off(Left(), Word(Destination, "left", MigrationRole.Stay)) with { Volumes = half }).Handover, Is.Null);
        var blocked = Off(Left(), Word(Destination, "left", MigrationRole.Stay)) with { Volumes = whole, Obstacle = "host takes no instances." };
        Assert.That((MoveRules.Decide(blocked).Handover, MoveRules.Decide(blocked).Shown!.Why), Is.EqualTo(((Handover?)null, "host takes no instances.")));
    }

    [Test]
    public void The_source_says_a_ticket_when_it_is_told_to_send_so_it_is()
    {
        var stayed = Check(Off(Word(Source, "left", MigrationRole.Stay), Word(Destination)), (Source, MigrationRole.Send));
        Assert.That((stayed.Handover, stayed.Told[0].Endpoint), Is.EqualTo(((Handover?)null, (string?)null)));
    }

    [Test]
    public void A_silent_source_is_read_as_before_and_what_is_whole_needs_it_no_more()
    {
        var silent = Left() with { IsPresent = false };
        silent = silent with { Said = silent.Said! with { Ticket = null } };
        var reading = Word(Destination, "left", MigrationRole.Stay);
        reading = reading with { Told = reading.Told! with { Endpoint = "https://there:1", Fingerprint = "aa", Ticket = "ticket" } };
        var decision = MoveRules.Decide(Off(silent, reading) with { Volumes = With(Copy(Destination, CopyFill.Fetch, "preparing")) });
        Assert.That(decision.Told.Single(told => told.Host == Destination).Ticket, Is.EqualTo("ticket"));
        Assert.That(decision.Shown!.Why, Is.EqualTo("host is not heard of."));
        Assert.That(MoveRules.Decide(Off(silent, reading) with { Volumes = With(Copy(Destination, CopyFill.Fetch, "ready")) }).Handover?.To, Is.EqualTo(Destination));
    }

    [Test]
    public void Ordered_to_be_on_meanwhile_it_is_kept_once_no_copy_is_left()
    {
        var fetched = With(Copy(Destination, CopyFill.Fetch, "ready"));
        var at = On(Left(), Word(Destination, "left", MigrationRole.Stay));
        var asked = MoveRules.Decide(at with { Volumes = fetched });
        Assert.That((asked.Handover!.To, asked.Handover.Order, asked.Handover.Dropped.Count), Is.EqualTo((Source, (MigrationDesired?)null, 1)));
        Assert.That(MoveRules.Decide(at with { Volumes = fetched, CheckedIn = Turn }).Handover!.Dropped, Has.Count.EqualTo(1), "one that came behind the question");
        Check(at with { CheckedIn = Turn }, (Source, MigrationRole.Keep), (Destination, MigrationRole.Stay));
    }

    [Test]
    public void From_a_source_that_left_for_a_copy_which_is_no_more_it_is_fetched_if_that_gives_it()
    {
        var left = Word(Source, "left", MigrationRole.Send, peer: Third);
        var asked = Check(Off(left, Word(Destination), Word(Third)), (Source, MigrationRole.Send), (Third, MigrationRole.Stay));
        Assert.That(asked.Handover, Is.Null, "it may be there");
        var at = Off(left, Word(Destination), Word(Third, "left", MigrationRole.Stay));
        Assert.That(Check(at, (Source, MigrationRole.Send), (Third, MigrationRole.Stay)).Handover!.Made, Has.Count.EqualTo(1));
        var closed = left with { Said = left.Said! with { Ticket = null } };
        var waiting = Check(at with { Hosts = [closed, Word(Destination), Word(Third, "left", MigrationRole.Stay)] }, (Source, MigrationRole.Send), (Third, MigrationRole.Stay));
        Assert.That((waiting.Handover, waiting.Shown!.Why), Is.EqualTo(((Handover?)null, "It left host for a copy that is no more. Once it was started there again, it moves.")));
    }

    [Test]
    public void What_is_to_be_on_and_is_off_starts_before_it_is_sent()
    {
        var decision = Check(On(Here() with { Instance = null }, Word(Destination)));
        Assert.That(decision.Shown!.Why, Is.EqualTo("It starts at host first."));
        Check(Off(Here() with { Instance = null }, Word(Destination)), (Source, MigrationRole.Send));
    }

    [Test]
    public void What_was_fetched_before_the_source_had_it_again_is_never_taken()
    {
        var old = With(Copy(Destination, CopyFill.Fetch, "ready"));
        var off = Here() with { Instance = null };
        var decision = Check(Off(off, Word(Destination)) with { Volumes = old }, (Source, MigrationRole.Stay));
        Assert.That(decision.Handover!.Dropped, Has.Count.EqualTo(1));
        Check(Off(off with { Told = null, Said = null }, Word(Destination)) with { Volumes = old }, (Source, MigrationRole.Stay));
    }

    [Test]
    public void What_may_be_at_another_host_is_settled_before_anything_is_fetched()
    {
        var arrived = Check(Off(Left(), Word(Destination, "arrived", MigrationRole.Receive)), (Source, MigrationRole.Send), (Destination, MigrationRole.Discard));
        Assert.That(arrived.Handover, Is.Null);
        var begun = Check(Off(Left(), Word(Destination, "receiving", MigrationRole.Receive)), (Source, MigrationRole.Send), (Destination, MigrationRole.Stay));
        Assert.That(begun.Handover, Is.Null);
    }

    [Test]
    public void Of_a_source_that_was_given_up_the_fetched_copy_is_the_volume()
    {
        var copy = Copy(Destination, CopyFill.Fetch, "ready");
        var own = new OwnVolume(Row(), Disk(), null);
        var at = Off(Word(Destination, "left", MigrationRole.Stay)) with { Place = null, Volumes = new VolumeMoves([own], [copy]) };
        var handover = MoveRules.Decide(at).Handover!;
        Assert.That((handover.From, handover.To), Is.EqualTo(((Guid?)null, Destination)));
        Assert.That(handover.Taken, Is.EqualTo(new[] { new TakenCopy(copy.Row, own) }));
        Assert.That(MoveRules.Decide(at with { Obstacle = "lost" }).Handover, Is.Null);
    }

    [Test]
    public void Of_a_source_that_was_given_up_what_came_with_the_guest_is_the_volume_when_it_left_for_it()
    {
        var copy = Copy(Destination, CopyFill.Hypervisor, "ready");
        var at = On(Word(Destination, "arrived", MigrationRole.Receive)) with { Place = null, Volumes = new VolumeMoves([new OwnVolume(Row(), Disk(), null)], [copy]) };
        Assert.That(MoveRules.Decide(at with { LeftFor = Destination }).Handover!.Taken, Has.Count.EqualTo(1));
        Check(at, (Destination, MigrationRole.Discard));
    }

    private static Guid Number(int number) => new(number, 0, 0, new byte[8]);

    private static VolumeDesired Row() => new()
    {
        Uuid = Volume,
        Name = "root",
        Size = 10,
        StoragePool = Number(12),
        Content = VolumeContent.Made,
    };

    private static VdiskDesired Disk() => new() { Uuid = Number(13), Instance = Instance, Volume = Volume, Index = 0 };

    private static HostVolumeCopyDesired Row(Guid host, CopyFill fill, int? generation = null) => new()
    {
        Host = host,
        Volume = Volume,
        Instance = Instance,
        Fill = fill,
        Generation = generation,
    };

    private static VolumeCopy Copy(Guid host, CopyFill fill, string? says = null) => new(Row(host, fill, 2), says is null ? null : new HostVolumeCopyCurrent
    {
        Host = host,
        Volume = Volume,
        Status = Enum.Parse<StorageStatus>(says, ignoreCase: true),
        Generation = 2,
        Progress = says == "preparing" ? 40 : null,
        Bytes = says == "preparing" ? 4096 : null,
        Why = says == "broken" ? "No room." : null,
    });

    private static VolumeMoves With(params VolumeCopy[] copies) =>
        new([new OwnVolume(Row(), Disk(), new HostVolumeDesired { Host = Source, Volume = Volume })], copies);

    private static MoveSituation On(params HostWord[] hosts) => new()
    {
        Instance = Instance,
        Wanted = new InstanceDesired
        {
            Uuid = Instance,
            Name = "guest",
            Mem = 64,
            State = InstanceState.Running,
        },
        Place = Source,
        Order = new MigrationDesired { Instance = Instance, DestinationHost = Destination },
        Hosts = hosts,
        Volumes = With(),
    };

    private static MoveSituation Off(params HostWord[] hosts)
    {
        var on = On(hosts);
        return on with { Wanted = on.Wanted! with { State = InstanceState.Stopped } };
    }

    private static HostWord Here() => Word(Source, "here", MigrationRole.Stay);

    private static HostWord Left() => Word(Source, "left", MigrationRole.Send);

    private static HostWord Word(Guid host, string? says = null, MigrationRole? told = null, Guid? peer = null) => new()
    {
        Host = host,
        Name = "host",
        Endpoint = "https://there:1",
        Fingerprint = "aa",
        Instance = host == Source ? new HostInstanceCurrent { Host = host, Instance = Instance, Status = InstanceStatus.Running } : null,
        Told = told is not { } role ? null : new HostMigrationDesired
        {
            Host = host,
            Instance = Instance,
            Role = role,
            Turn = Turn,
            PeerHost = host == Source ? Destination : Source,
            Endpoint = role == MigrationRole.Send && says == "sending" ? "https://there:1" : null,
        },
        Said = says is null ? null : new HostMigrationCurrent
        {
            Host = host,
            Instance = Instance,
            Status = Enum.Parse<HostMigrationStatus>(says, ignoreCase: true),
            Turn = told is null ? null : Turn,
            PeerHost = peer,
            Ticket = says == "ready" || (says == "left" && told == MigrationRole.Send) ? "ticket" : null,
        },
    };

    private static MoveDecision Check(MoveSituation at, params (Guid Host, MigrationRole Role)[] told)
    {
        var decision = MoveRules.Decide(at);
        Assert.That(decision.Told.Select(telling => (telling.Host, telling.Role)), Is.EquivalentTo(told));
        return decision;
    }
}
