using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class HostPlannerTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(1000);
    private static readonly RetryOptions Retry = new();

    private static IEnumerable<TestCaseData> Table()
    {
        (InstanceState? Order, DomainState? State, DomainReason Reason, string Expected)[] rows =
        [
            (InstanceState.Running, null, DomainReason.Other, "Starting: start"),
            (InstanceState.Running, DomainState.Off, DomainReason.PowerCut, "Starting: start"),
            (InstanceState.Running, DomainState.Off, DomainReason.Crashed, "Starting: start"),
            (InstanceState.Running, DomainState.Running, DomainReason.Other, "Running: -"),
            (InstanceState.Running, DomainState.Paused, DomainReason.PausedByOrder, "Paused: resume"),
            (InstanceState.Running, DomainState.Paused, DomainReason.IoError, "Paused: resume"),
            (InstanceState.Running, DomainState.Paused, DomainReason.InTransition, "Starting: -"),
            (InstanceState.Running, DomainState.Paused, DomainReason.Crashed, "Crashed: power off"),
            (InstanceState.Running, DomainState.Crashed, DomainReason.Crashed, "Crashed: power off"),
            (InstanceState.Running, DomainState.ShuttingDown, DomainReason.Other, "Stopping: -"),
            (InstanceState.Running, DomainState.Asleep, DomainReason.Other, "Paused: -"),
            (InstanceState.Running, DomainState.Unknown, DomainReason.Other, "Broken: -"),

            (InstanceState.Paused, null, DomainReason.Other, "Starting: start, paused"),
            (InstanceState.Paused, DomainState.Off, DomainReason.GuestPoweredOff, "Starting: start, paused"),
            (InstanceState.Paused, DomainState.Running, DomainReason.Other, "Running: pause"),
            (InstanceState.Paused, DomainState.Paused, DomainReason.PausedByOrder, "Paused: -"),
            (InstanceState.Paused, DomainState.Paused, DomainReason.IoError, "Paused: -"),

            (InstanceState.Stopped, null, DomainReason.Other, "Stopped: define"),
            (InstanceState.Stopped, DomainState.Off, DomainReason.GuestPoweredOff, "Stopped: -"),
            (InstanceState.Stopped, DomainState.Off, DomainReason.Crashed, "Stopped: -"),
            (InstanceState.Stopped, DomainState.Running, DomainReason.Other, "Stopping: shut down"),
            (InstanceState.Stopped, DomainState.Paused, DomainReason.PausedByOrder, "Stopping: shut down, resumed first"),
            (InstanceState.Stopped, DomainState.Paused, DomainReason.IoError, "Stopping: shut down, resumed first"),
            (InstanceState.Stopped, DomainState.Paused, DomainReason.InTransition, "Stopping: power off"),
            (InstanceState.Stopped, DomainState.Crashed, DomainReason.Crashed, "Stopping: power off"),
            (InstanceState.Stopped, DomainState.ShuttingDown, DomainReason.Other, "Stopping: -"),

            (null, DomainState.Running, DomainReason.Other, "Stopping: remove"),
            (null, DomainState.Paused, DomainReason.PausedByOrder, "Stopping: remove"),
            (null, DomainState.Off, DomainReason.PowerCut, "Stopping: remove"),
            (null, DomainState.Crashed, DomainReason.Crashed, "Stopping: remove"),
        ];
        return rows.Select(row => new TestCaseData(row.Order, row.State, row.Reason, row.Expected)
            .SetArgDisplayNames($"{row.Order?.ToString() ?? "unwanted"}, {row.State?.ToString() ?? "none"} {row.Reason}"));
    }

    [TestCaseSource(nameof(Table))]
    public void What_is_done_and_said(InstanceState? order, DomainState? state, DomainReason reason, string expected)
    {
        var bench = new PlannerBench();
        if (order is { } wanted)
            bench.Want(One, wanted);
        if (state is { } seen)
            bench.Observe(One, seen, reason);

        var plan = bench.Plan(Now);

        Assert.That(Brief(plan.Instances.Single()), Is.EqualTo(expected));
    }

    [Test]
    public void Nothing_is_planned_before_the_desired_state_is_known()
    {
        var bench = new PlannerBench { IsDesiredKnown = false };
        bench.Observe(One, DomainState.Running);

        var plan = bench.Plan(Now);

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.Instances.Single().Status.Status, Is.EqualTo(InstanceStatus.Running));
    }

    [Test]
    public void A_foreign_domain_is_reported_and_left_alone()
    {
        var bench = new PlannerBench();
        bench.ObserveForeign(One, DomainState.Running);

        var plan = bench.Plan(Now);

        Assert.That(plan.Instances, Is.Empty);
        Assert.That(plan.Foreign.Single().Uuid, Is.EqualTo(One));
    }

    [TestCase(InstanceState.Running)]
    [TestCase(InstanceState.Stopped)]
    public void A_foreign_domain_with_the_uuid_of_an_instance_is_left_alone_and_breaks_the_instance(InstanceState order)
    {
        var bench = new PlannerBench();
        bench.Want(One, order);
        bench.ObserveForeign(One, DomainState.Running);

        var plan = bench.Plan(Now);

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.Instances.Single().Status.Status, Is.EqualTo(InstanceStatus.Broken));
        Assert.That(plan.Instances.Single().Status.Why, Does.Contain("not made by the platform"));
    }

    [Test]
    public void An_instance_that_is_placed_on_another_host_is_not_wanted_here()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running, host: Guid.NewGuid());
        bench.Observe(One, DomainState.Running);

        Assert.That(Brief(bench.Plan(Now).Instances.Single()), Is.EqualTo("Stopping: remove"));
    }

    [Test]
    public void A_changed_shape_of_a_running_instance_is_said_and_waits_for_its_next_start()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.Observe(One, DomainState.Running);
        bench.Want(One, InstanceState.Running, mem: 2048);

        var instance = bench.Plan(Now).Instances.Single();

        Assert.That(Brief(instance), Is.EqualTo("Running: -"));
        Assert.That(instance.Status.Why, Does.Contain("next start"));
    }

    [Test]
    public void A_changed_shape_of_a_stopped_instance_is_defined_at_once()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Stopped);
        bench.Observe(One, DomainState.Off);
        bench.Want(One, InstanceState.Stopped, mem: 2048);

        Assert.That(Brief(bench.Plan(Now).Instances.Single()), Is.EqualTo("Stopped: define"));
    }

    [Test]
    public void An_instance_whose_cpu_profile_has_not_come_does_not_start_but_stops()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running, profile: Guid.NewGuid());
        Assert.That(Brief(bench.Plan(Now).Instances.Single()), Is.EqualTo("Broken: -"));

        bench.Want(One, InstanceState.Stopped, profile: Guid.NewGuid());
        bench.Observe(One, DomainState.Running);
        Assert.That(Brief(bench.Plan(Now).Instances.Single()), Is.EqualTo("Stopping: shut down"));
    }

    [TestCase(0, "Stopping: power off")]
    [TestCase(59, "Stopping: -")]
    [TestCase(60, "Stopping: power off")]
    public void A_guest_that_ignores_its_power_button_loses_its_power_when_the_patience_is_over(int secondsLater, string expected)
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Stopped, stopTimeout: secondsLater == 0 ? 0 : 60);
        bench.Observe(One, DomainState.Running);
        bench.Remember(One, Now, Retry);
        var later = Now + TimeSpan.FromSeconds(secondsLater);
        bench.End(new ActionOutcome(new InstanceAction.Shutdown(One, false), ActionEnd.Done), later - TimeSpan.FromSeconds(1), Retry);

        Assert.That(Brief(bench.Plan(later).Instances.Single()), Is.EqualTo(expected));
    }

    [Test]
    public void The_power_button_is_pressed_again_and_again()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Stopped);
        bench.Observe(One, DomainState.Running);
        bench.Remember(One, Now, Retry);
        bench.End(new ActionOutcome(new InstanceAction.Shutdown(One, false), ActionEnd.Done), Now, Retry);

        var waiting = bench.Plan(Now).Instances.Single();

        Assert.That((Brief(waiting), waiting.WakeAt), Is.EqualTo(("Stopping: -", Now + TimeSpan.FromSeconds(10))));
        Assert.That(Brief(bench.Plan(waiting.WakeAt!.Value).Instances.Single()), Is.EqualTo("Stopping: shut down"));
    }

    [Test]
    public void A_start_that_failed_is_tried_again_later_and_shown_as_broken_until_then()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.Remember(One, Now, Retry);
        bench.End(new ActionOutcome(bench.StartOf(One), ActionEnd.Failed, "no room"), Now, Retry);

        var waiting = bench.Plan(Now).Instances.Single();

        Assert.That((Brief(waiting), waiting.Status.Why), Is.EqualTo(("Broken: -", "no room")));
        Assert.That(Brief(bench.Plan(waiting.WakeAt!.Value).Instances.Single()), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_new_order_is_a_new_chance()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.Remember(One, Now, Retry);
        bench.End(new ActionOutcome(bench.StartOf(One), ActionEnd.Failed, "no room"), Now, Retry);
        bench.Want(One, InstanceState.Running, mem: 64);
        bench.Remember(One, Now, Retry);

        Assert.That(Brief(bench.Plan(Now).Instances.Single()), Is.EqualTo("Starting: start"));
    }

    [TestCase(DomainReason.Crashed, "Crashed: -")]
    [TestCase(DomainReason.GuestPoweredOff, "Stopped: -")]
    public void A_guest_that_went_off_by_itself_starts_again_after_a_while(DomainReason reason, string expected)
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.Observe(One, DomainState.Running);
        bench.Remember(One, Now, Retry);
        bench.Observe(One, DomainState.Off, reason);
        bench.Remember(One, Now, Retry);

        var waiting = bench.Plan(Now).Instances.Single();

        Assert.That((Brief(waiting), waiting.WakeAt), Is.EqualTo((expected, Now + Retry.Backoff.First)));
        Assert.That(Brief(bench.Plan(waiting.WakeAt!.Value).Instances.Single()), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_guest_that_fails_again_and_again_is_started_less_and_less_often()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        var delays = new List<double>();
        var now = Now;
        for (var i = 0; i < 10; i++)
        {
            bench.End(new ActionOutcome(bench.StartOf(One), ActionEnd.Done), now, Retry);
            bench.Observe(One, DomainState.Off, DomainReason.Crashed);
            bench.Remember(One, now, Retry);
            var wakeAt = bench.Plan(now).Instances.Single().WakeAt!.Value;
            delays.Add((wakeAt - now).TotalSeconds);
            now = wakeAt;
        }

        Assert.That(delays, Is.EqualTo((double[])[1, 2, 4, 8, 16, 32, 64, 128, 256, 300]));
    }

    [Test]
    public void A_domain_paused_by_an_error_is_resumed_with_patience_every_time()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.Observe(One, DomainState.Paused, DomainReason.IoError);
        bench.Remember(One, Now, Retry);
        var first = bench.Plan(Now).Instances.Single();
        bench.End(new ActionOutcome(new InstanceAction.Resume(One), ActionEnd.Done), first.WakeAt!.Value, Retry);
        bench.Remember(One, first.WakeAt!.Value, Retry);

        var second = bench.Plan(first.WakeAt!.Value).Instances.Single();

        Assert.That((Brief(first), first.Status.Why), Is.EqualTo(("Paused: -", "The guest is paused by an I/O error.")));
        Assert.That(second.WakeAt - first.WakeAt, Is.EqualTo(TimeSpan.FromSeconds(2)));
    }

    [TestCase(InstanceState.Stopped, "Stopping: power off")]
    [TestCase(null, "Stopping: remove")]
    [TestCase(InstanceState.Running, "Starting: start")]
    [TestCase(InstanceState.Paused, "Starting: start")]
    public void A_start_in_flight_is_kept_or_turned_around(InstanceState? order, string expected)
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Running);
        bench.Observe(One, DomainState.Off);
        bench.InFlight(bench.StartOf(One));
        if (order is { } wanted)
            bench.Want(One, wanted);
        else
            bench.Unwant(One);

        Assert.That(Brief(bench.Plan(Now).Instances.Single()), Is.EqualTo(expected));
    }

    [TestCase(InstanceState.Running, DomainState.Off, "Starting: -")]
    [TestCase(InstanceState.Stopped, DomainState.Off, "Stopped: -")]
    [TestCase(null, DomainState.Running, "Stopping: power off")]
    [TestCase(null, DomainState.Off, "Stopping: -")]
    public void While_a_call_is_unsettled_only_the_power_is_cut(InstanceState? order, DomainState state, string expected)
    {
        var bench = new PlannerBench();
        if (order is { } wanted)
            bench.Want(One, wanted);
        bench.Observe(One, state);
        bench.Unsettled.Add(One);

        Assert.That(Brief(bench.Plan(Now).Instances.Single()), Is.EqualTo(expected));
    }

    [Test]
    public void What_a_withdrawn_start_left_behind_loses_its_power_at_once()
    {
        var bench = new PlannerBench();
        bench.Want(One, InstanceState.Stopped);
        bench.End(new ActionOutcome(bench.StartOf(One), ActionEnd.Withdrawn), Now, Retry);
        bench.Observe(One, DomainState.Running);
        bench.Remember(One, Now, Retry);

        Assert.That(Brief(bench.Plan(Now).Instances.Single()), Is.EqualTo("Stopping: power off"));
    }

    [Test]
    public void What_the_controller_forgot_is_left_alone_while_all_else_goes_on()
    {
        var bench = new PlannerBench { Released = [Id(7)] };
        foreach (var forgotten in new[] { Id(1), Id(2), Id(3) })
            bench.Observe(forgotten, DomainState.Running);
        bench.Observe(Id(4), DomainState.Off);
        bench.Want(Id(5), InstanceState.Running);
        bench.Want(Id(6), InstanceState.Stopped);
        bench.Observe(Id(6), DomainState.Running);
        bench.Observe(Id(7), DomainState.Running);

        var plan = bench.Plan(Now);

        Assert.That(plan.Instances.Select(Brief), Is.EqualTo(
            ["Running: -", "Running: -", "Running: -", "Stopped: -", "Starting: start", "Stopping: shut down", "Stopping: remove"]));
        Assert.That(plan.Instances.Take(4).Select(instance => instance.Status.Why), Is.All.Contains("Held"));
        Assert.That(bench.Guard.Held, Is.EqualTo([Id(1), Id(2), Id(3), Id(4)]));
    }

    [Test]
    public void What_is_confirmed_is_removed_and_nothing_that_is_forgotten_later()
    {
        var bench = new PlannerBench { Released = [] };
        foreach (var forgotten in new[] { Id(1), Id(2), Id(3) })
            bench.Observe(forgotten, DomainState.Running);
        bench.Plan(Now);

        bench.Confirm(bench.Guard.Token!);
        Assert.That(bench.Plan(Now).Instances.Select(Brief), Is.All.EqualTo("Stopping: remove"));

        foreach (var later in new[] { Id(4), Id(5), Id(6) })
            bench.Observe(later, DomainState.Running);
        Assert.That(bench.Plan(Now).Instances.Select(Brief), Is.EqualTo(
            ["Stopping: remove", "Stopping: remove", "Stopping: remove", "Running: -", "Running: -", "Running: -"]));
    }

    [TestCase("start", "Stopped: start")]
    [TestCase("shut down", "Stopped: shut down")]
    [TestCase("remove", "Stopped: -")]
    public void What_is_held_in_the_midst_of_an_action_is_not_cancelled_unless_it_is_its_removal(string action, string expected)
    {
        var bench = new PlannerBench { Released = [] };
        bench.Want(One, InstanceState.Running);
        bench.Observe(One, DomainState.Off);
        bench.InFlight(action switch
        {
            "start" => bench.StartOf(One),
            "remove" => new InstanceAction.Remove(One),
            _ => new InstanceAction.Shutdown(One, ResumeFirst: false),
        });
        bench.Unwant(One);
        foreach (var forgotten in new[] { Id(2), Id(3), Id(4) })
            bench.Observe(forgotten, DomainState.Running);

        Assert.That(Brief(bench.Plan(Now).Instances[0]), Is.EqualTo(expected));
    }

    [Test]
    public void A_plan_can_be_printed()
    {
        var bench = new PlannerBench();
        var two = Guid.Parse("00000000-0000-0000-0000-000000000002");
        bench.Want(One, InstanceState.Running);
        bench.Observe(two, DomainState.Running);
        bench.ObserveForeign(Guid.Parse("00000000-0000-0000-0000-000000000003"), DomainState.Off);

        Assert.That(bench.Plan(Now).ToString(), Is.EqualTo(
            $"""
            {One}: Starting; start {One} of shape {bench.DefinitionOf(One).Shape}
            {two}: Stopping; remove {two} (No longer wanted on this host.)
            00000000-0000-0000-0000-000000000003: foreign, foreign

            """));
    }

    private static Guid Id(int number) => new($"00000000-0000-0000-0000-{number:000000000000}");

    private static string Brief(InstancePlan plan) => $"{plan.Status.Status}: " + plan.Action switch
    {
        null => "-",
        InstanceAction.Define => "define",
        InstanceAction.Start { Paused: true } => "start, paused",
        InstanceAction.Start => "start",
        InstanceAction.Pause => "pause",
        InstanceAction.Resume => "resume",
        InstanceAction.Shutdown { ResumeFirst: true } => "shut down, resumed first",
        InstanceAction.Shutdown => "shut down",
        InstanceAction.PowerOff => "power off",
        InstanceAction.Remove => "remove",
        var other => throw new InvalidOperationException($"{other}"),
    };
}
