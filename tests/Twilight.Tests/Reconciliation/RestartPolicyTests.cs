using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>What becomes of an instance that goes off by itself.</summary>
public sealed class RestartPolicyTests : InstancePlanFixture
{
    [TestCase(InstanceRestart.Always, DomainReason.GuestPoweredOff, "Starting: start")]
    [TestCase(InstanceRestart.Always, DomainReason.Crashed, "Starting: start")]
    [TestCase(InstanceRestart.Always, DomainReason.PowerCut, "Starting: start")]
    [TestCase(InstanceRestart.OnCrash, DomainReason.GuestPoweredOff, "Stopped: mark")]
    [TestCase(InstanceRestart.OnCrash, DomainReason.Crashed, "Starting: start")]
    [TestCase(InstanceRestart.OnCrash, DomainReason.PowerCut, "Starting: start")]
    [TestCase(InstanceRestart.Never, DomainReason.GuestPoweredOff, "Stopped: mark")]
    [TestCase(InstanceRestart.Never, DomainReason.Crashed, "Crashed: mark")]
    [TestCase(InstanceRestart.Never, DomainReason.PowerCut, "Stopped: mark")]
    public void What_ended_by_itself_is_started_again_as_its_policy_says(InstanceRestart restart, DomainReason reason, string expected)
    {
        Rewrite(row => row with { Restart = restart });
        EndBy(reason);

        Assert.That(Brief(Now + Retry.Backoff.First), Is.EqualTo(expected));
        Assert.That(Bench.Plan(Now + Retry.Backoff.First).Instances.Single().Status.Why,
            expected.StartsWith("Starting", StringComparison.Ordinal) ? Is.Null : Does.Contain("is not started again: restart is "));
    }

    [Test]
    public void An_agent_that_has_forgotten_everything_does_not_start_it_either()
    {
        StayOff();
        Bench.ForgetMemory(One);
        Remember();

        Assert.That(Brief(Now), Is.EqualTo("Crashed: -"));
    }

    [Test]
    public void Running_again_after_stopped_is_a_new_chance_even_before_it_is_written_down()
    {
        StayOff();
        Rewrite(row => row with { State = InstanceState.Stopped });
        Assert.That(Brief(Now), Is.EqualTo("Stopped: mark"), "forgiven, also for an agent that comes later");
        Rewrite(row => row with { State = InstanceState.Running });

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [TestCase(1, 0)]
    [TestCase(0, 1)]
    public void An_order_to_restart_it_is_a_new_chance(int reboots, int resets)
    {
        StayOff();
        Rewrite(row => row with { Reboots = reboots, Resets = resets });

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_policy_that_allows_it_starts_it()
    {
        StayOff();
        Rewrite(row => row with { Restart = InstanceRestart.OnCrash });

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void Another_change_of_the_row_is_none()
    {
        StayOff();
        Rewrite(row => row with { Mem = 1024 });

        Assert.That(Brief(Now), Does.StartWith("Crashed: "));
    }

    [Test]
    public void What_the_agent_turned_off_itself_did_not_end_by_itself()
    {
        Rewrite(row => row with { Restart = InstanceRestart.Never, State = InstanceState.Stopped });
        End(new InstanceAction.Shutdown(One, false));
        Bench.Observe(One, DomainState.Off, DomainReason.GuestPoweredOff);
        Remember();
        Rewrite(row => row with { State = InstanceState.Running });

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [TestCase(InstanceRestart.Always, null)]
    [TestCase(InstanceRestart.OnCrash, "mark, has run")]
    [TestCase(InstanceRestart.Never, "mark, has run")]
    public void That_it_has_run_is_written_down_where_that_makes_a_difference(InstanceRestart restart, string? expected)
    {
        Rewrite(row => row with { Restart = restart });

        var action = Bench.Plan(Now).Actions.SingleOrDefault();
        Assert.That(action is InstanceAction.SetMark { Mark.HasRun: true } ? "mark, has run" : action?.ToString(), Is.EqualTo(expected));
    }

    [TestCase(InstanceRestart.Always, DomainReason.GuestPoweredOff, "Starting: start")]
    [TestCase(InstanceRestart.Always, DomainReason.Other, "Starting: start")]
    [TestCase(InstanceRestart.OnCrash, DomainReason.GuestPoweredOff, "Stopped: mark, TurnedOff")]
    [TestCase(InstanceRestart.OnCrash, DomainReason.Crashed, "Starting: start")]
    [TestCase(InstanceRestart.OnCrash, DomainReason.PowerCut, "Starting: start")]
    [TestCase(InstanceRestart.OnCrash, DomainReason.Other, "Starting: start")]
    [TestCase(InstanceRestart.Never, DomainReason.GuestPoweredOff, "Stopped: mark, TurnedOff")]
    [TestCase(InstanceRestart.Never, DomainReason.Crashed, "Crashed: mark, Crashed")]
    [TestCase(InstanceRestart.Never, DomainReason.PowerCut, "Stopped: mark, PowerCut")]
    [TestCase(InstanceRestart.Never, DomainReason.Other, "Stopped: mark, Unseen")]
    [TestCase(InstanceRestart.Never, DomainReason.Migrated, "Starting: start")]
    public void What_ended_while_the_agent_was_away_is_started_again_as_its_policy_says(InstanceRestart restart, DomainReason reason, string expected)
    {
        RunUnder(restart);
        Bench.ForgetMemory(One);
        Bench.Reobserve(One, domain => domain with { State = DomainState.Off, Reason = reason });
        Remember();

        var mark = Bench.Plan(Now).Actions.Single() as InstanceAction.SetMark;
        Assert.That(mark is null ? Brief(Now) : $"{Brief(Now)}, {mark.Mark.Ended}", Is.EqualTo(expected));
        Assert.That(Planned().Status.Why,
            mark is null ? Is.Null : Does.EndWith($"It is not started again: restart is {(restart == InstanceRestart.Never ? "never" : "on-crash")}."));
    }

    [Test]
    public void What_was_never_seen_on_has_not_run_however_often_the_agent_comes_back()
    {
        Bench.Rewrite(One, row => row with { Restart = InstanceRestart.Never });
        Bench.Observe(One, DomainState.Off, DomainReason.FailedToStart);
        Bench.ForgetMemory(One);
        Remember();

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_start_has_not_run_before_it_is_seen_on()
    {
        RunUnder(InstanceRestart.Never);
        Bench.Rewrite(One, row => row with { Resets = 1 });
        Bench.Reobserve(One, domain => domain with { State = DomainState.Off });
        var start = (InstanceAction.Start)Bench.Plan(Now).Actions.Single();

        Assert.That(DomainMetadata.Parse(start.Definition.Xml[start.Definition.Xml.IndexOf("<ponycloud:instance", StringComparison.Ordinal)..].Split("/>")[0] + "/>"),
            Has.Property("HasRun").False.And.Property("Resets").EqualTo(1));
    }

    [Test]
    public void A_guest_that_was_pressed_to_go_off_did_not_end_by_itself_even_if_the_agent_ended_first()
    {
        RunUnder(InstanceRestart.Never);
        Rewrite(row => row with { State = InstanceState.Stopped });
        Assert.That(Brief(Now), Is.EqualTo("Stopping: shut down"), "the button first");
        End(new InstanceAction.Shutdown(One, false));
        var mark = WriteDown();
        Assert.That(mark.HasRun, Is.False);
        Assert.That(Brief(Now), Is.EqualTo("Stopping: -"));

        Bench.ForgetMemory(One);
        Bench.Reobserve(One, domain => domain with { State = DomainState.Off, Reason = DomainReason.GuestPoweredOff });
        Rewrite(row => row with { State = InstanceState.Running });
        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_power_cut_that_is_due_does_not_wait_for_what_is_written_down()
    {
        RunUnder(InstanceRestart.Never);
        Rewrite(row => row with { State = InstanceState.Stopped });
        End(new InstanceAction.Shutdown(One, false));
        var forgiven = Bench.Plan(Now).Actions.Single();
        Bench.InFlight(forgiven);
        Assert.That(Bench.Plan(Now).Actions.Single(), Is.EqualTo(forgiven), "it goes on until then");

        Assert.That(Brief(Now + TimeSpan.FromSeconds(60)), Is.EqualTo("Stopping: power off"));
    }

    [Test]
    public void What_ends_before_the_eyes_of_an_agent_that_asked_it_to_restart_is_started()
    {
        RunUnder(InstanceRestart.Never);
        Rewrite(row => row with { Reboots = 1 });
        End(new InstanceAction.Reboot(One, 1, 0));
        Bench.Reobserve(One, domain => domain with { State = DomainState.Off, Reason = DomainReason.GuestPoweredOff });
        Remember();

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_guest_that_its_watchdog_paused_stands_still_until_its_state_is_ordered_anew()
    {
        Rewrite(row => row with { Watchdog = InstanceWatchdog.Pause });
        Bench.Reobserve(One, domain => domain with { State = DomainState.Paused, Reason = DomainReason.Watchdog });
        Remember();
        Remember();
        Assert.That(Brief(Now + TimeSpan.FromHours(1)), Is.EqualTo("Paused: -"));

        Rewrite(row => row with { Name = "another" });
        Assert.That(Brief(Now), Is.EqualTo("Paused: -"));
        Rewrite(row => row with { State = InstanceState.Paused });
        Rewrite(row => row with { State = InstanceState.Running });
        Assert.That(Brief(Now + Retry.Backoff.First), Is.EqualTo("Paused: resume"));
    }

    /// <summary>It has crashed, is not to be started again, and that is written down.</summary>
    private void StayOff()
    {
        Rewrite(row => row with { Restart = InstanceRestart.Never });
        EndBy(DomainReason.Crashed);
        WriteDown();
        Assert.That(Brief(Now), Is.EqualTo("Crashed: -"));
    }

    /// <summary>It runs, and that is written down if it is to be.</summary>
    private void RunUnder(InstanceRestart restart)
    {
        Rewrite(row => row with { Restart = restart });
        if (restart != InstanceRestart.Always)
            WriteDown();
        Assert.That(Brief(Now), Is.EqualTo("Running: -"));
    }

    private DomainMetadata WriteDown()
    {
        var mark = (InstanceAction.SetMark)Bench.Plan(Now).Actions.Single();
        Bench.Mark(One, _ => mark.Mark);
        End(mark);
        return mark.Mark;
    }

    private void EndBy(DomainReason reason)
    {
        Bench.Observe(One, DomainState.Off, reason);
        Remember();
    }
}
