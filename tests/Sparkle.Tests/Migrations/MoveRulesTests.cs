using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Migrations;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>The table of the room's README, line by line.</summary>
[TestFixture]
public sealed class MoveRulesTests
{
    private static readonly Guid Instance = Number(9);
    private static readonly Guid Source = Number(1);
    private static readonly Guid Destination = Number(2);
    private static readonly Guid Turn = Number(77);

    [Test]
    public void Ordered_and_on_the_destination_makes_ready() =>
        Check(At(Word(Source, "here", MigrationRole.Stay), Word(Destination, null)), (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));

    [Test]
    public void It_is_sent_when_the_destination_is_ready()
    {
        var decision = Check(
            At(Word(Source, "here", MigrationRole.Stay), Word(Destination, "ready", MigrationRole.Receive)),
            (Source, MigrationRole.Send), (Destination, MigrationRole.Receive));
        var send = decision.Told.Single(told => told.Role == MigrationRole.Send);
        Assert.That((send.Endpoint, send.Fingerprint, send.Ticket), Is.EqualTo(("https://there:1", "aa", "ticket")));
    }

    [Test]
    public void It_is_not_sent_while_the_source_may_speak_of_another_turn() => Check(
        At(Late(Word(Source, "here", MigrationRole.Stay)), Word(Destination, "ready", MigrationRole.Receive)),
        (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));

    [Test]
    public void Under_way_nothing_else_is_told_and_it_is_shown_how_far()
    {
        var decision = Check(
            At(Word(Source, "sending", MigrationRole.Send), Word(Destination, "receiving", MigrationRole.Receive)),
            (Source, MigrationRole.Send), (Destination, MigrationRole.Receive));
        Assert.That((decision.Shown!.Status, decision.Shown.Progress), Is.EqualTo((MigrationStatus.Copying, 40)));
    }

    [Test]
    public void Whole_and_gone_from_the_source_the_place_and_the_order_go() => HandsOver(
        At(Word(Source, "left", MigrationRole.Send, peer: Destination), Word(Destination, "arrived", MigrationRole.Receive)), endsOrder: true);

    [Test]
    public void Withdrawn_too_late_the_place_goes_all_the_same() => HandsOver(
        At(Word(Source, "left", MigrationRole.Stay, peer: Destination), Word(Destination, "arrived", MigrationRole.Receive)) with { Order = null },
        endsOrder: false);

    [Test]
    public void A_word_of_an_earlier_turn_moves_no_place() => Assert.That(
        MoveRules.Decide(At(Late(Word(Source, "left", MigrationRole.Send, peer: Destination)), Word(Destination, "arrived", MigrationRole.Receive))).Handover, Is.Null);

    [Test]
    public void With_the_place_the_copy_goes_on([Values("left", null)] string? source) => Check(
        At(Word(Source, source) with { Instance = null }, Word(Destination, "arrived", MigrationRole.Receive)) with { Place = Destination, Order = null },
        (Destination, MigrationRole.Take));

    [Test]
    public void It_does_not_go_on_while_the_source_is_not_heard_of() => Check(
        At(Word(Source, null) with { IsPresent = false, Instance = null }, Word(Destination, "arrived", MigrationRole.Receive)) with { Place = Destination, Order = null },
        (Destination, MigrationRole.Receive));

    [Test]
    public void It_goes_on_when_the_source_was_given_up() => Check(
        At(Word(Source, "here") with { IsThere = false }, Word(Destination, "arrived", MigrationRole.Receive)) with { Place = Destination, Order = null },
        (Destination, MigrationRole.Take));

    [Test]
    public void What_failed_is_tried_anew_after_a_while()
    {
        var failed = At(Word(Source, "broken", MigrationRole.Send), Word(Destination, "ready", MigrationRole.Receive)) with { IsPaused = true, Failure = "No route." };
        var decision = Check(failed, (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
        Assert.That((decision.Shown!.Status, decision.Shown.Why), Is.EqualTo((MigrationStatus.Broken, "No route.")));
        var rested = At(Word(Source, "here", MigrationRole.Stay), Word(Destination, "ready", MigrationRole.Receive));
        Check(rested with { IsPaused = true }, (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
        Check(rested, (Source, MigrationRole.Send), (Destination, MigrationRole.Receive));
    }

    [Test]
    public void What_is_off_leaves_without_a_copy()
    {
        var off = Word(Source, null) with { Instance = null };
        var decision = Check(At(off, Word(Destination, null)), (Source, MigrationRole.Send));
        Assert.That(decision.Told[0].Endpoint, Is.Null);
        HandsOver(At(Word(Source, "left", MigrationRole.Send), Word(Destination, null)), endsOrder: true);
    }

    [Test]
    public void Withdrawn_the_destination_is_let_go_of_when_the_source_says_that_it_has_it()
    {
        Check(
            At(Word(Source, "sending", MigrationRole.Send), Word(Destination, "receiving", MigrationRole.Receive)) with { Order = null },
            (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
        Check(
            At(Word(Source, "here", MigrationRole.Stay), Word(Destination, "ready", MigrationRole.Receive)) with { Order = null },
            (Source, MigrationRole.Stay));
        Check(At(Word(Source, "here", MigrationRole.Stay), Word(Destination, null)) with { Order = null });
    }

    [Test]
    public void A_copy_of_what_the_source_has_is_let_go_of_in_this_turn_only()
    {
        Check(
            At(Word(Source, "here", MigrationRole.Stay), Word(Destination, "arrived", MigrationRole.Receive)),
            (Source, MigrationRole.Stay), (Destination, MigrationRole.Discard));
        Check(
            At(Late(Word(Source, "here", MigrationRole.Stay)), Word(Destination, "arrived", MigrationRole.Receive)),
            (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
        Check(
            At(Word(Source, "here", MigrationRole.Send) with { Told = Told(Source, MigrationRole.Send) with { Endpoint = "https://there:1" } }, Word(Destination, "arrived", MigrationRole.Receive)),
            (Source, MigrationRole.Send), (Destination, MigrationRole.Receive));
    }

    [Test]
    public void What_went_off_while_it_was_sent_is_asked_for_and_kept_when_it_is_nowhere()
    {
        var left = Word(Source, "left", MigrationRole.Stay);
        Check(
            At(left, Word(Destination, "arrived", MigrationRole.Receive)) with { Order = null },
            (Source, MigrationRole.Stay), (Destination, MigrationRole.Discard));
        Check(
            At(left, Word(Destination, "ready", MigrationRole.Receive)) with { Order = null },
            (Source, MigrationRole.Stay), (Destination, MigrationRole.Stay));
        var nowhere = At(left, Word(Destination, "left", MigrationRole.Stay)) with { Order = null };
        var asked = Check(nowhere, (Source, MigrationRole.Stay), (Destination, MigrationRole.Stay));
        Assert.That(asked.Handover, Is.EqualTo(new Handover(Instance, Source, Source, null)), "the database is asked first");
        Check(nowhere with { CheckedIn = Turn }, (Source, MigrationRole.Keep), (Destination, MigrationRole.Stay));
    }

    [Test]
    public void Nothing_is_begun_for_a_destination_that_cannot_take_it()
    {
        var decision = Check(At(Word(Source, null), Word(Destination, null)) with { Obstacle = "host 2 takes no instances." });
        Assert.That((decision.Shown!.Status, decision.Shown.Why), Is.EqualTo((MigrationStatus.Waiting, "host 2 takes no instances.")));
    }

    [Test]
    public void An_order_to_where_it_is_is_done()
    {
        var decision = Check(At(Word(Source, null), Word(Destination, null)) with { Order = Ordered(Source) });
        Assert.That(decision.Handover, Is.EqualTo(new Handover(Instance, Source, Source, Ordered(Source))));
    }

    [Test]
    public void The_first_destination_is_settled_before_the_second_is_begun()
    {
        var third = Number(3);
        Check(
            At(Word(Source, "sending", MigrationRole.Send), Word(Destination, "receiving", MigrationRole.Receive), Word(third, null)) with { Order = Ordered(third) },
            (Source, MigrationRole.Stay), (Destination, MigrationRole.Receive));
        Check(
            At(Word(Source, "here", MigrationRole.Stay), Word(Destination, null), Word(third, null)) with { Order = Ordered(third) },
            (Source, MigrationRole.Stay), (third, MigrationRole.Receive));
    }

    [Test]
    public void While_the_place_is_being_written_nobody_is_told_anything_else() => Check(
        At(Word(Source, "left", MigrationRole.Send), Word(Destination, null)) with { IsHandingOver = true, Obstacle = "none" }, (Source, MigrationRole.Send));

    [Test]
    public void A_copy_of_a_deleted_instance_is_let_go_of_and_that_of_a_missing_one_is_not()
    {
        var copy = At(Word(Destination, "arrived", MigrationRole.Receive)) with { Wanted = null, Place = null, Order = null };
        Check(copy);
        Check(copy with { IsDeleted = true }, (Destination, MigrationRole.Discard));
    }

    [Test]
    public void Of_a_source_that_was_given_up_only_the_copy_for_which_it_left_is_kept()
    {
        var copy = At(Word(Destination, "arrived", MigrationRole.Receive)) with { Place = null, Order = null };
        Check(copy, (Destination, MigrationRole.Discard));
        var decision = Check(copy with { LeftFor = Destination }, (Destination, MigrationRole.Receive));
        Assert.That(decision.Handover, Is.EqualTo(new Handover(Instance, null, Destination, null)));
    }

    [Test]
    public void What_may_become_whole_yet_is_settled_before_the_place_goes_to_its_host()
    {
        var coming = At(Word(Destination, "receiving", MigrationRole.Receive)) with { Place = null };
        Assert.That(Check(coming, (Destination, MigrationRole.Stay)).Handover, Is.Null);
        var none = At(Word(Destination, "left", MigrationRole.Stay)) with { Place = null };
        Assert.That(Check(none, (Destination, MigrationRole.Stay)).Handover?.To, Is.EqualTo(Destination));
    }

    [Test]
    public void That_nothing_is_there_says_nothing_of_what_is_started_with_the_place()
    {
        // It said so as a destination; since then the place has come to it, and it may be starting the instance.
        var before = Word(Source, "left", MigrationRole.Stay) with { HasPlace = true };
        Assert.That(MoveRules.Decide(At(before, Word(Destination, null))).Handover, Is.Null);
        var since = before with { Told = before.Told! with { HasPlace = true } };
        Assert.That(MoveRules.Decide(At(since, Word(Destination, null))).Handover?.To, Is.EqualTo(Destination));
    }

    private static Guid Number(int number) => new(number, 0, 0, new byte[8]);

    private static MigrationDesired Ordered(Guid destination) => new() { Instance = Instance, DestinationHost = destination };

    private static MoveSituation At(params HostWord[] hosts) => new()
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
        Order = Ordered(Destination),
        Hosts = hosts,
    };

    private static HostMigrationDesired Told(Guid host, MigrationRole role) => new()
    {
        Host = host,
        Instance = Instance,
        Role = role,
        Turn = Turn,
        PeerHost = host == Source ? Destination : Source,
        Endpoint = role == MigrationRole.Send ? "https://there:1" : null,
    };

    private static HostWord Word(Guid host, string? says, MigrationRole? told = null, Guid? peer = null) => new()
    {
        Host = host,
        Name = "host",
        Endpoint = "https://there:1",
        Fingerprint = "aa",
        Instance = host == Source
            ? new HostInstanceCurrent
            {
                Host = host,
                Instance = Instance,
                Status = InstanceStatus.Running,
            }
            : null,
        Told = told is { } role ? Told(host, role) : null,
        Said = says is null ? null : new HostMigrationCurrent
        {
            Host = host,
            Instance = Instance,
            Status = Enum.Parse<HostMigrationStatus>(says, ignoreCase: true),
            Turn = told is null ? null : Turn,
            PeerHost = peer,
            Ticket = says == "ready" ? "ticket" : null,
            Progress = says == "sending" ? 40 : null,
        },
    };

    private static HostWord Late(HostWord word) => word with { Said = word.Said! with { Turn = Number(76) } };

    private static MoveDecision Check(MoveSituation at, params (Guid Host, MigrationRole Role)[] told)
    {
        var decision = MoveRules.Decide(at);
        Assert.That(decision.Told.Select(telling => (telling.Host, telling.Role)), Is.EquivalentTo(told));
        return decision;
    }

    private static void HandsOver(MoveSituation at, bool endsOrder)
    {
        var handover = MoveRules.Decide(at).Handover;
        Assert.That(handover, Is.EqualTo(new Handover(Instance, Source, Destination, at.Order)));
        Assert.That(handover!.EndsOrder, Is.EqualTo(endsOrder));
    }
}
