using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>What is planned about orders to restart an instance.</summary>
public sealed class RestartPlanTests : InstancePlanFixture
{
    [TestCase(DomainState.Running, DomainReason.Other, InstanceState.Running, "reset, reboot")]
    [TestCase(DomainState.Paused, DomainReason.PausedByOrder, InstanceState.Paused, "reset, reset")]
    [TestCase(DomainState.Paused, DomainReason.PausedByOrder, InstanceState.Running, "reset, resume")]
    [TestCase(DomainState.Paused, DomainReason.IoError, InstanceState.Running, "reset, reset")]
    [TestCase(DomainState.Asleep, DomainReason.Other, InstanceState.Running, "reset, reset")]
    [TestCase(DomainState.Running, DomainReason.Other, InstanceState.Paused, "reset, reset")]
    [TestCase(DomainState.Paused, DomainReason.InTransition, InstanceState.Running, "-, -")]
    [TestCase(DomainState.ShuttingDown, DomainReason.Other, InstanceState.Running, "-, -")]
    [TestCase(DomainState.Paused, DomainReason.Crashed, InstanceState.Running, "power off, power off")]
    [TestCase(DomainState.Off, DomainReason.PowerCut, InstanceState.Running, "start, start")]
    [TestCase(DomainState.Running, DomainReason.Other, InstanceState.Stopped, "shut down, shut down")]
    public void What_a_reset_and_a_reboot_come_to(DomainState state, DomainReason reason, InstanceState order, string expected)
    {
        Bench.Observe(One, state, reason);
        Bench.Rewrite(One, row => row with { State = order, Resets = 1 });
        var reset = Action(Now);
        Bench.Rewrite(One, row => row with { Resets = 0, Reboots = 1 });

        Assert.That($"{reset}, {Action(Now)}", Is.EqualTo(expected));
    }

    [Test]
    public void However_many_are_ordered_before_one_begins_they_are_one()
    {
        Bench.Rewrite(One, row => row with { Resets = 3, Reboots = 2 });
        Assert.That(Planned().Action, Is.EqualTo(new InstanceAction.Reset(One, 2, 3)));

        End(new InstanceAction.Reset(One, 2, 3));

        Assert.That(Planned().Action, Is.InstanceOf<InstanceAction.SetMark>());
        Assert.That(((InstanceAction.SetMark)Planned().Action!).Mark, Has.Property("Resets").EqualTo(3).And.Property("Reboots").EqualTo(2));
    }

    [Test]
    public void What_was_carried_out_is_written_down_echoed_and_not_done_again()
    {
        Bench.Rewrite(One, row => row with { Resets = 1 });
        End(new InstanceAction.Reset(One, 0, 1));
        var mark = (InstanceAction.SetMark)Planned().Action!;
        Bench.Mark(One, _ => mark.Mark);
        End(mark);

        Assert.That((Planned().Action, Planned().Status.Resets), Is.EqualTo(((InstanceAction?)null, 1)));
    }

    [Test]
    public void What_was_ordered_while_one_was_under_way_is_one_more()
    {
        Bench.Rewrite(One, row => row with { Resets = 1 });
        Bench.InFlight(new InstanceAction.Reset(One, 0, 1));
        Bench.Rewrite(One, row => row with { Resets = 2 });
        Assert.That(Planned().Action, Is.EqualTo(new InstanceAction.Reset(One, 0, 1)), "it goes on");
        Bench.Land(One);
        End(new InstanceAction.Reset(One, 0, 1));

        Assert.That(Planned().Action, Is.EqualTo(new InstanceAction.Reset(One, 0, 2)));
    }

    [Test]
    public void A_count_that_is_taken_back_withdraws_what_has_not_begun_and_is_followed()
    {
        Bench.Mark(One, mark => mark with { Resets = 5 });
        Bench.Rewrite(One, row => row with { Resets = 6 });
        Assert.That(Action(Now), Is.EqualTo("reset"));
        Bench.InFlight(new InstanceAction.Reset(One, 0, 6));

        Bench.Rewrite(One, row => row with { Resets = 4 });

        var planned = (InstanceAction.SetMark)Planned().Action!;
        Assert.That(planned.Mark.Resets, Is.EqualTo(4), "so that one more is one reset again");
    }

    [TestCase(InstanceState.Stopped)]
    [TestCase(null)]
    public void A_stop_and_a_removal_go_before_a_reset_under_way(InstanceState? order)
    {
        Bench.Rewrite(One, row => row with { Resets = 1, State = order ?? InstanceState.Running, StopTimeout = 0 });
        Bench.InFlight(new InstanceAction.Reset(One, 0, 1));
        if (order is null)
            Bench.Unwant(One);

        Assert.That(Action(Now), Is.EqualTo(order is null ? "remove" : "power off"));
    }

    [Test]
    public void A_guest_is_asked_again_and_reset_when_its_time_is_over()
    {
        Bench.Rewrite(One, row => row with { Reboots = 1, StopTimeout = 15 });
        var ask = new InstanceAction.Reboot(One, 1, 0);
        Assert.That(Planned().Action, Is.EqualTo(ask));
        End(ask);

        var waiting = Planned();
        Assert.That((Brief(waiting), waiting.WakeAt), Is.EqualTo(("Running: -", Now + TimeSpan.FromSeconds(10))));
        Assert.That(waiting.Status.Why, Does.Contain("asked to restart"));
        Assert.That(Planned(waiting.WakeAt!.Value).Action, Is.EqualTo(ask));
        Bench.End(new ActionOutcome(ask, ActionEnd.Done), waiting.WakeAt.Value, Retry);
        Assert.That(Planned(waiting.WakeAt.Value).WakeAt, Is.EqualTo(Now + TimeSpan.FromSeconds(15)));
        Assert.That(Action(Now + TimeSpan.FromSeconds(15)), Is.EqualTo("reset"));
    }

    [Test]
    public void A_guest_that_restarts_when_it_is_asked_is_done()
    {
        Bench.Rewrite(One, row => row with { Reboots = 1 });
        End(new InstanceAction.Reboot(One, 1, 0));
        Bench.Reobserve(One, domain => domain with { Restarts = 1 });
        Remember();

        Assert.That(((InstanceAction.SetMark)Planned().Action!).Mark.Reboots, Is.EqualTo(1));
    }

    [Test]
    public void A_guest_that_goes_off_when_it_is_asked_is_started_at_once_and_no_failure()
    {
        Bench.Rewrite(One, row => row with { Reboots = 1 });
        End(new InstanceAction.Reboot(One, 1, 0));
        Bench.Reobserve(One, domain => domain with { State = DomainState.Off, Reason = DomainReason.GuestPoweredOff });
        Remember();

        Assert.That(Brief(Planned()), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_guest_without_patience_is_reset_at_once()
    {
        Bench.Rewrite(One, row => row with { Reboots = 1, StopTimeout = 0 });

        Assert.That(Planned().Action, Is.EqualTo(new InstanceAction.Reset(One, 1, 0)));
    }

    [Test]
    public void A_guest_that_could_not_be_asked_stays_running_says_so_and_is_reset_in_the_end()
    {
        Bench.Rewrite(One, row => row with { Reboots = 1 });
        End(new InstanceAction.Reboot(One, 1, 0), ActionEnd.Failed, "no way");

        Assert.That((Brief(Planned()), Planned().Status.Why), Is.EqualTo(("Running: -", "Its guest could not be asked to restart, and is reset if that goes on: no way")));
        Assert.That(Action(Now + TimeSpan.FromSeconds(60)), Is.EqualTo("reset"));
    }

    [Test]
    public void A_reset_that_fails_holds_nothing_else_up_and_is_tried_again()
    {
        Bench.Rewrite(One, row => row with { Resets = 1 });
        End(new InstanceAction.Reset(One, 0, 1), ActionEnd.Failed, "no way");

        var waiting = Planned();
        Assert.That((Brief(waiting), waiting.Status.Why), Is.EqualTo(("Running: -", "It could not be restarted: no way")));
        Assert.That(Action(waiting.WakeAt!.Value), Is.EqualTo("reset"));
        Bench.Rewrite(One, row => row with { Resets = 2 });
        Remember();
        Assert.That(Action(Now), Is.EqualTo("reset"), "a new order is a new chance");
    }

    [Test]
    public void A_start_makes_needless_what_was_ordered_before_it()
    {
        Bench.Observe(One, DomainState.Off);
        Bench.Rewrite(One, row => row with { Resets = 4, Reboots = 2 });

        var start = (InstanceAction.Start)Planned().Action!;

        Assert.That(start.Definition.Xml, Does.Contain("reboots=\"2\" resets=\"4\""));
    }

    private string Action(TimeSpan at) => Verb(ActionAt(at));
}
