using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Tests.Reconciliation;

namespace PonyCloud.Twilight.Tests.Migrations;

/// <summary>What is done and said of instances that move: what is, what the controller says, and what follows.</summary>
public sealed class MigrationPlanTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Guid Peer = Guid.Parse("22222222-0000-0000-0000-000000000000");
    private static readonly Guid Turn = Guid.Parse("33333333-0000-0000-0000-000000000001");
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(1000);
    private static readonly RetryOptions Retry = new();

    /// <summary>How the domain is marked.</summary>
    public enum Mark
    {
        None,
        Leaving,
        Arriving,
    }

    private static IEnumerable<TestCaseData> Source()
    {
        (MigrationRole? Role, InstanceState Order, DomainState? State, DomainReason Reason, Mark Mark, string Expected)[] rows =
        [
            // It is here, and nobody has said anything of a move.
            (null, InstanceState.Running, DomainState.Running, DomainReason.Other, Mark.None, "Running: - | -"),

            (MigrationRole.Stay, InstanceState.Running, DomainState.Running, DomainReason.Other, Mark.None, "Running: - | here"),
            (MigrationRole.Stay, InstanceState.Running, DomainState.Off, DomainReason.PowerCut, Mark.None, "Starting: start | here"),
            (MigrationRole.Stay, InstanceState.Stopped, DomainState.Running, DomainReason.Other, Mark.None, "Stopping: shut down | here"),
            (MigrationRole.Stay, InstanceState.Running, null, DomainReason.Other, Mark.None, "Starting: start | here"),
            (MigrationRole.Keep, InstanceState.Running, null, DomainReason.Other, Mark.None, "Starting: start | here"),
            (MigrationRole.Keep, InstanceState.Running, DomainState.Off, DomainReason.Other, Mark.None, "Starting: start | here"),

            (MigrationRole.Send, InstanceState.Running, DomainState.Running, DomainReason.Other, Mark.None, "Running: send | sending"),
            (MigrationRole.Send, InstanceState.Paused, DomainState.Paused, DomainReason.PausedByOrder, Mark.None, "Paused: send | sending"),
            (MigrationRole.Send, InstanceState.Running, DomainState.Running, DomainReason.Other, Mark.Leaving, "Running: send | sending"),
            (MigrationRole.Send, InstanceState.Paused, DomainState.Running, DomainReason.Other, Mark.None, "Running: pause | here"),
            (MigrationRole.Send, InstanceState.Stopped, DomainState.Running, DomainReason.Other, Mark.None, "Stopping: shut down | here"),
            (MigrationRole.Send, InstanceState.Stopped, DomainState.Running, DomainReason.Other, Mark.Leaving, "Stopping: shut down | -"),
            (MigrationRole.Send, InstanceState.Running, DomainState.Paused, DomainReason.IoError, Mark.None, "Paused: resume | here"),
            (MigrationRole.Send, InstanceState.Running, DomainState.Off, DomainReason.Crashed, Mark.None, "Stopped: let leave | here"),
            (MigrationRole.Send, InstanceState.Stopped, DomainState.Off, DomainReason.PowerCut, Mark.None, "Stopped: let leave | here"),
            (MigrationRole.Send, InstanceState.Running, null, DomainReason.Other, Mark.None, "Stopped: let leave | here"),

            // Marked, and still on: it was not sent.
            (null, InstanceState.Running, DomainState.Running, DomainReason.Other, Mark.Leaving, "Running: keep | sending without turn"),
            (MigrationRole.Stay, InstanceState.Running, DomainState.Running, DomainReason.Other, Mark.Leaving, "Running: keep | sending without turn"),
            (MigrationRole.Stay, InstanceState.Running, DomainState.Paused, DomainReason.InTransition, Mark.Leaving, "Starting: keep, resumed first | sending without turn"),
            (MigrationRole.Send, InstanceState.Running, DomainState.Paused, DomainReason.InTransition, Mark.Leaving, "Starting: keep, resumed first | sending without turn"),
            (MigrationRole.Stay, InstanceState.Stopped, DomainState.Running, DomainReason.Other, Mark.Leaving, "Stopping: shut down | -"),
            (MigrationRole.Stay, InstanceState.Stopped, DomainState.Paused, DomainReason.InTransition, Mark.Leaving, "Stopping: power off | -"),

            // Marked and off: it has left, whatever is ordered of it, until it is to be kept.
            (null, InstanceState.Running, DomainState.Off, DomainReason.Migrated, Mark.Leaving, "Stopped: let leave | sending without turn"),
            (null, InstanceState.Running, DomainState.Off, DomainReason.Other, Mark.Leaving, "Stopped: - | left without turn"),
            (MigrationRole.Stay, InstanceState.Running, DomainState.Off, DomainReason.Migrated, Mark.Leaving, "Stopped: let leave | sending"),
            (MigrationRole.Send, InstanceState.Running, DomainState.Off, DomainReason.Migrated, Mark.Leaving, "Stopped: let leave | sending"),
            (MigrationRole.Send, InstanceState.Paused, DomainState.Off, DomainReason.Crashed, Mark.Leaving, "Stopped: - | left"),
            (MigrationRole.Send, InstanceState.Stopped, DomainState.Off, DomainReason.Migrated, Mark.Leaving, "Stopped: let leave | sending"),
            (MigrationRole.Keep, InstanceState.Running, DomainState.Off, DomainReason.Migrated, Mark.Leaving, "Stopped: keep | left"),
            (MigrationRole.Keep, InstanceState.Stopped, DomainState.Off, DomainReason.Other, Mark.Leaving, "Stopped: keep | left"),
            (MigrationRole.Keep, InstanceState.Running, DomainState.Running, DomainReason.Other, Mark.Leaving, "Running: keep | sending without turn"),
        ];
        return rows.Select(row => new TestCaseData(row.Role, row.Order, row.State, row.Reason, row.Mark, row.Expected)
            .SetArgDisplayNames($"{row.Role?.ToString() ?? "no role"}, {row.Order}, {row.State?.ToString() ?? "none"} {row.Reason} {row.Mark}"));
    }

    [TestCaseSource(nameof(Source))]
    public void A_host_that_has_the_place(
        MigrationRole? role, InstanceState order, DomainState? state, DomainReason reason, Mark mark, string expected)
    {
        var bench = new PlannerBench();
        bench.Want(One, order);
        if (role is { } said)
            bench.OrderMove(One, said, Turn, Peer);
        Observe(bench, state, reason, mark);

        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo(expected));
    }

    private static IEnumerable<TestCaseData> Destination()
    {
        (MigrationRole? Role, DomainState? State, DomainReason Reason, Mark Mark, string Expected)[] rows =
        [
            (MigrationRole.Receive, null, DomainReason.Other, Mark.None, "ready"),
            (MigrationRole.Receive, DomainState.Off, DomainReason.Other, Mark.None, "Stopping: remove | preparing"),
            (MigrationRole.Receive, DomainState.Paused, DomainReason.InTransition, Mark.Arriving, "receiving"),
            (MigrationRole.Receive, DomainState.Paused, DomainReason.PausedByOrder, Mark.Arriving, "arrived"),
            (MigrationRole.Receive, DomainState.Off, DomainReason.Other, Mark.Arriving, "remove | -"),

            (MigrationRole.Stay, null, DomainReason.Other, Mark.None, "left"),
            (MigrationRole.Stay, DomainState.Paused, DomainReason.InTransition, Mark.Arriving, "receiving"),
            (MigrationRole.Stay, DomainState.Paused, DomainReason.PausedByOrder, Mark.Arriving, "arrived"),
            (MigrationRole.Stay, DomainState.Off, DomainReason.Other, Mark.Arriving, "remove | -"),

            // Nobody said anything of it: what stands still is touched by nothing.
            (null, DomainState.Paused, DomainReason.InTransition, Mark.Arriving, "receiving without turn"),
            (null, DomainState.Paused, DomainReason.PausedByOrder, Mark.Arriving, "arrived without turn"),
            (null, DomainState.Running, DomainReason.Other, Mark.Arriving, "arrived without turn"),
            (null, DomainState.Off, DomainReason.Other, Mark.Arriving, "remove | -"),

            (MigrationRole.Discard, DomainState.Paused, DomainReason.InTransition, Mark.Arriving, "remove | receiving"),
            (MigrationRole.Discard, DomainState.Paused, DomainReason.PausedByOrder, Mark.Arriving, "remove | arrived"),
            (MigrationRole.Discard, DomainState.Off, DomainReason.Other, Mark.Arriving, "remove | -"),
            (MigrationRole.Discard, null, DomainReason.Other, Mark.None, "left"),
        ];
        return rows.Select(row => new TestCaseData(row.Role, row.State, row.Reason, row.Mark, row.Expected)
            .SetArgDisplayNames($"{row.Role?.ToString() ?? "no role"}, {row.State?.ToString() ?? "none"} {row.Reason} {row.Mark}"));
    }

    [TestCaseSource(nameof(Destination))]
    public void A_host_that_has_not_the_place(MigrationRole? role, DomainState? state, DomainReason reason, Mark mark, string expected)
    {
        var bench = new PlannerBench { Released = [] };
        bench.Know(One, InstanceState.Running);
        if (role is { } said)
            bench.OrderMove(One, said, Turn, Peer, hasDoor: false);
        bench.See(One, new MigrationView("a ticket"));
        Observe(bench, state, reason, mark);

        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo(expected));
    }

    [TestCase(DomainState.Paused, DomainReason.PausedByOrder, Mark.Arriving, "Paused: take | arrived")]
    [TestCase(DomainState.Running, DomainReason.Other, Mark.Arriving, "Paused: take | arrived")]
    [TestCase(DomainState.Paused, DomainReason.InTransition, Mark.Arriving, "Paused: - | receiving")]
    [TestCase(DomainState.Off, DomainReason.Other, Mark.Arriving, "Stopped: take | -")]
    [TestCase(DomainState.Paused, DomainReason.PausedByOrder, Mark.None, "Paused: resume | here")]
    [TestCase(DomainState.Running, DomainReason.Other, Mark.None, "Running: - | here")]
    [TestCase(null, DomainReason.Other, Mark.None, "Starting: start | here")]
    public void A_host_that_is_to_take_it_does_so_and_then_obeys_its_orders(DomainState? state, DomainReason reason, Mark mark, string expected)
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.OrderMove(One, MigrationRole.Take, Turn, Peer, hasDoor: false);
        Observe(bench, state, reason, mark);

        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo(expected));
    }

    [TestCase(InstanceState.Running)]
    [TestCase(InstanceState.Stopped)]
    public void A_copy_with_its_place_here_stands_still_until_it_is_to_be_taken(InstanceState order)
    {
        var bench = new PlannerBench();
        bench.Want(One, order);
        Observe(bench, DomainState.Paused, DomainReason.PausedByOrder, Mark.Arriving);

        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("Paused: - | arrived without turn"));
    }

    [Test]
    public void A_copy_that_stands_still_is_held_by_no_guard_and_holds_nobody()
    {
        var bench = new PlannerBench { Released = [] };
        for (var i = 0; i < 5; i++)
        {
            var instance = Guid.NewGuid();
            bench.Observe(instance, DomainState.Paused, DomainReason.PausedByOrder);
            bench.Mark(instance, arriving: Peer);
        }

        var plan = bench.Plan(Now);

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.Instances, Is.Empty, "a copy is not the instance");
        Assert.That(plan.Migrations.Select(move => move.Row!.Status), Is.All.EqualTo(HostMigrationStatus.Arrived));
        Assert.That(bench.Guard.Held, Is.Empty);
    }

    [Test]
    public void What_has_left_is_removed_when_its_place_has_gone()
    {
        var bench = new PlannerBench();
        Observe(bench, DomainState.Off, DomainReason.Migrated, Mark.Leaving);

        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("Stopping: remove | left without turn"));
    }

    [Test]
    public void What_may_come_waits_for_its_cards()
    {
        var bench = new PlannerBench();
        var vnic = Guid.NewGuid();
        bench.Know(One, InstanceState.Running);
        bench.OrderMove(One, MigrationRole.Receive, Turn, Peer, hasDoor: false);
        bench.See(One, new MigrationView("a ticket"));
        bench.WantCard(One, vnic);

        var waiting = bench.Plan(Now);
        Assert.That(Brief(waiting), Is.EqualTo("preparing"));
        Assert.That(waiting.WakeAt, Is.Not.Null);

        bench.SetCard(vnic, new CardState(CardReadiness.Broken, "there is no such bridge"));
        var broken = bench.Plan(Now);
        Assert.That(Brief(broken), Is.EqualTo("broken"));
        Assert.That(broken.Migrations.Single().Row!.Why, Does.Contain("there is no such bridge"));

        bench.SetCard(vnic, new CardState(CardReadiness.Ready));
        var ready = bench.Plan(Now);
        Assert.That(Brief(ready), Is.EqualTo("ready"));
        Assert.That(ready.Migrations.Single().Row!.Ticket, Is.EqualTo("a ticket"));
    }

    [Test]
    public void While_somebody_goes_through_the_door_something_may_come_in_still()
    {
        var bench = new PlannerBench();
        bench.Know(One, InstanceState.Running);
        bench.OrderMove(One, MigrationRole.Receive, Turn, Peer, hasDoor: false);
        bench.See(One, new MigrationView("a ticket", IsOpen: true));
        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("receiving"));

        bench.OrderMove(One, MigrationRole.Stay, Turn, Peer, hasDoor: false);
        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("nothing"));
    }

    [Test]
    public void A_source_without_a_door_to_go_to_lets_it_run()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.OrderMove(One, MigrationRole.Send, Turn, Peer, hasDoor: false);
        Observe(bench, DomainState.Running, DomainReason.Other, Mark.None);

        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("Running: - | here"));
    }

    [TestCase(DomainState.Running, DomainReason.Other)]
    [TestCase(DomainState.Paused, DomainReason.InTransition)]
    [TestCase(DomainState.Off, DomainReason.Migrated)]
    public void A_sending_goes_on_until_it_has_ended(DomainState state, DomainReason reason)
    {
        var bench = Sending(state, reason, out var send);
        bench.See(One, new MigrationView(Progress: new MigrationProgress(300, 1000, 700), Rate: 100));

        var plan = bench.Plan(Now);

        Assert.That(plan.Actions, Is.EqualTo([send]));
        var row = plan.Migrations.Single().Row!;
        Assert.That(
            (row.Status, row.Turn, row.Progress, row.Bytes, row.Rate), Is.EqualTo((HostMigrationStatus.Sending, Turn, 30, 300L, 100L)));
        Assert.That(plan.Instances.Single().Status.Status, Is.EqualTo(state == DomainState.Off ? InstanceStatus.Stopped : InstanceStatus.Running));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void The_same_in_another_turn_breaks_nothing_off_and_is_said_of_that_turn(bool hasDoor)
    {
        var bench = Sending(DomainState.Running, DomainReason.Other, out var send);
        var next = Guid.NewGuid();
        bench.OrderMove(One, MigrationRole.Send, next, Peer, hasDoor);

        var plan = bench.Plan(Now);

        Assert.That(plan.Actions, Is.EqualTo([send]));
        Assert.That((plan.Migrations.Single().Row!.Status, plan.Migrations.Single().Row!.Turn), Is.EqualTo((HostMigrationStatus.Sending, next)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void What_has_left_names_its_peer_only_if_its_copy_is_the_last_of_it(bool hasMigrated)
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.OrderMove(One, MigrationRole.Stay, Turn, Guid.NewGuid());
        bench.Observe(One, DomainState.Off, hasMigrated ? DomainReason.Migrated : DomainReason.Other);
        bench.Mark(One, leaving: Peer, hasMigrated: hasMigrated);

        var plan = bench.Plan(Now);

        Assert.That(Brief(plan), Is.EqualTo("Stopped: - | left"));
        Assert.That(plan.Migrations.Single().Row!.PeerHost, Is.EqualTo(hasMigrated ? Peer : null));
    }

    [TestCase(MigrationRole.Send, false, true)]
    [TestCase(MigrationRole.Send, true, true)]
    [TestCase(MigrationRole.Stay, false, false)]
    [TestCase(MigrationRole.Keep, false, false)]
    public void What_has_left_may_be_read_while_it_is_to_leave(MigrationRole role, bool hasMigrated, bool mayBeRead)
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Stopped);
        bench.OrderMove(One, role, Turn, Peer, hasDoor: false);
        bench.Observe(One, DomainState.Off, DomainReason.Other);
        bench.Mark(One, leaving: Peer, hasMigrated: hasMigrated);
        bench.See(One, new MigrationView { ReadTicket = "to read", IsRead = true });

        var move = bench.Plan(Now).Migrations.Single();

        Assert.That(move.MayBeRead, Is.EqualTo(mayBeRead));
        Assert.That((move.Row!.Status, move.Row.Ticket), Is.EqualTo((HostMigrationStatus.Left, mayBeRead ? "to read" : null)));
    }

    [Test]
    public void An_instance_without_a_place_and_without_a_domain_may_be_read_and_goes_on_to_be()
    {
        var bench = new PlannerBench();
        bench.Know(One, InstanceState.Stopped);
        bench.OrderMove(One, MigrationRole.Send, Turn, Peer, hasDoor: false);
        bench.See(One, new MigrationView { ReadTicket = "to read", IsRead = true });

        var move = bench.Plan(Now).Migrations.Single();

        Assert.That((move.MayBeRead, move.Row!.Status, move.Row.Ticket), Is.EqualTo((true, HostMigrationStatus.Left, "to read")));
    }

    [TestCase(InstanceState.Running)]
    [TestCase(InstanceState.Stopped)]
    public void What_is_here_may_not_be_read(InstanceState order)
    {
        var bench = new PlannerBench();
        bench.Want(One, order);
        bench.OrderMove(One, MigrationRole.Send, Turn, Peer);
        Observe(bench, order == InstanceState.Running ? DomainState.Running : DomainState.Off, DomainReason.Other, Mark.None);
        bench.See(One, new MigrationView { ReadTicket = "to read" });

        var move = bench.Plan(Now).Migrations.Single();

        Assert.That((move.MayBeRead, move.Row!.Ticket), Is.EqualTo((false, (string?)null)));
    }

    [TestCase(Mark.Leaving, DomainState.Off, "Stopped: keep | left")]
    [TestCase(Mark.None, DomainState.Off, "Starting: start | here")]
    [TestCase(Mark.None, null, "Starting: start | here")]
    public void Nothing_is_kept_or_started_before_nobody_reads_it_any_more(Mark mark, DomainState? state, string then)
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.OrderMove(One, MigrationRole.Keep, Turn, Peer);
        Observe(bench, state, DomainReason.Other, mark);
        bench.See(One, new MigrationView { IsRead = true });

        var plan = bench.Plan(Now);
        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.Instances.Single().Status.Why, Does.Contain("reads"));

        bench.See(One, MigrationView.None);
        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo(then));
    }

    [Test]
    public void No_log_has_the_ticket_to_read() =>
        Assert.That($"{new MigrationView("to come") { ReadTicket = "to read", IsRead = true }}", Does.Not.Contain("to "));

    [TestCase(MigrationRole.Stay)]
    [TestCase(null)]
    public void A_sending_whose_turn_is_over_is_broken_off_and_said_of_its_own_turn(MigrationRole? role)
    {
        var bench = Sending(DomainState.Running, DomainReason.Other, out _);
        if (role is { } said)
            bench.OrderMove(One, said, Guid.NewGuid(), Peer);
        else
            bench.ForgetMove(One);

        var plan = bench.Plan(Now);

        Assert.That(plan.Actions, Is.Empty);
        Assert.That((plan.Migrations.Single().Row!.Status, plan.Migrations.Single().Row!.Turn), Is.EqualTo((HostMigrationStatus.Sending, Turn)));
    }

    [TestCase(InstanceState.Stopped)]
    [TestCase(InstanceState.Paused)]
    [TestCase(null)]
    public void Another_order_for_the_instance_breaks_the_sending_off(InstanceState? order)
    {
        var bench = Sending(DomainState.Running, DomainReason.Other, out _);
        if (order is { } wanted)
            bench.Want(One, wanted);
        else
            bench.Unwant(One);

        Assert.That(bench.Plan(Now).Actions, Is.Empty);
    }

    [Test]
    public void A_sending_that_was_given_up_is_waited_for()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.OrderMove(One, MigrationRole.Stay, Turn, Peer);
        Observe(bench, DomainState.Running, DomainReason.Other, Mark.Leaving);
        bench.Unsettled.Add(One);

        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("Running: - | sending without turn"));

        bench.Want(One, InstanceState.Stopped, stopTimeout: 0);
        Assert.That(bench.Plan(Now).Actions.Single(), Is.InstanceOf<InstanceAction.PowerOff>(), "its power is cut all the same");
    }

    [Test]
    public void Under_one_turn_it_is_tried_once()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        var order = bench.OrderMove(One, MigrationRole.Send, Turn, Peer);
        Observe(bench, DomainState.Running, DomainReason.Other, Mark.None);
        bench.Remember(One, Now, Retry);

        bench.End(new ActionOutcome(new InstanceAction.Send(order), ActionEnd.Failed, "The link is cut."), Now, Retry);
        var broken = bench.Plan(Now);
        Assert.That(Brief(broken), Is.EqualTo("Running: - | broken"));
        Assert.That(broken.Migrations.Single().Row!.Why, Is.EqualTo("The link is cut."));

        bench.Mark(One, leaving: Peer);
        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("Running: keep | broken"));

        bench.OrderMove(One, MigrationRole.Send, Guid.NewGuid(), Peer);
        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("Running: send | sending"));
    }

    [Test]
    public void An_instance_that_is_kept_was_not_off_by_itself()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        Observe(bench, DomainState.Running, DomainReason.Other, Mark.None);
        bench.Remember(One, Now, Retry);
        bench.OrderMove(One, MigrationRole.Keep, Turn, Peer);
        Observe(bench, DomainState.Off, DomainReason.Migrated, Mark.None);
        bench.End(new ActionOutcome(new InstanceAction.Keep(new DomainMetadata(One, ""), false), ActionEnd.Done), Now, Retry);
        bench.Remember(One, Now, Retry);

        Assert.That(Brief(bench.Plan(Now)), Is.EqualTo("Starting: start | here"));
    }

    private static PlannerBench Sending(DomainState state, DomainReason reason, out InstanceAction send)
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        send = new InstanceAction.Send(bench.OrderMove(One, MigrationRole.Send, Turn, Peer));
        bench.InFlight(send);
        Observe(bench, state, reason, Mark.Leaving);
        return bench;
    }

    private static void Observe(PlannerBench bench, DomainState? state, DomainReason reason, Mark mark)
    {
        if (state is not { } seen)
            return;
        bench.Observe(One, seen, reason);
        bench.Mark(One, mark == Mark.Leaving ? Peer : null, mark == Mark.Arriving ? Peer : null);
    }

    /// <summary>What is said and done of the instance, and what is said of its move.</summary>
    private static string Brief(HostPlan plan)
    {
        var instance = plan.Instances.SingleOrDefault();
        var move = plan.Migrations.SingleOrDefault();
        var row = move?.Row;
        var word = row is null ? null : row.Status.ToString().ToLowerInvariant() + (row.Turn is null ? " without turn" : "");
        var deed = instance is null
            ? move?.Action is null ? null : Word(move.Action)
            : $"{instance.Status.Status}: {Word(instance.Action)}";
        return deed is null ? word ?? "nothing" : $"{deed} | {word ?? "-"}";
    }

    private static string Word(InstanceAction? action) => action switch
    {
        null => "-",
        InstanceAction.Send => "send",
        InstanceAction.Depart => "let leave",
        InstanceAction.Keep keep => $"keep{(keep.ResumeFirst ? ", resumed first" : "")}",
        InstanceAction.Take => "take",
        InstanceAction.Start => "start",
        InstanceAction.Shutdown => "shut down",
        InstanceAction.PowerOff => "power off",
        InstanceAction.Pause => "pause",
        InstanceAction.Resume => "resume",
        InstanceAction.Remove => "remove",
        _ => action.ToString(),
    };
}
