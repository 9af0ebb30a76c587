using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>What becomes of an instance that goes off by itself.</summary>
public sealed class RestartPolicyTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(1000);
    private static readonly RetryOptions Retry = new();

    private PlannerBench _bench = null!;

    [SetUp]
    public void Make()
    {
        _bench = new PlannerBench();
        _bench.Want(One, InstanceState.Running);
        _bench.Observe(One, DomainState.Running);
        Remember();
    }

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
        _bench.Rewrite(One, row => row with { Restart = restart });
        Remember();
        End(reason);

        Assert.That(Brief(Now + Retry.Backoff.First), Is.EqualTo(expected));
        Assert.That(_bench.Plan(Now + Retry.Backoff.First).Instances.Single().Status.Why,
            expected.StartsWith("Starting", StringComparison.Ordinal) ? Is.Null : Does.Contain("is not started again: restart is "));
    }

    [Test]
    public void An_agent_that_has_forgotten_everything_does_not_start_it_either()
    {
        StayOff();
        _bench.ForgetMemory(One);
        Remember();

        Assert.That(Brief(Now), Is.EqualTo("Crashed: -"));
    }

    [Test]
    public void Running_again_after_stopped_is_a_new_chance_even_before_it_is_written_down()
    {
        StayOff();
        _bench.Rewrite(One, row => row with { State = InstanceState.Stopped });
        Remember();
        Assert.That(Brief(Now), Is.EqualTo("Stopped: mark"), "forgiven, also for an agent that comes later");
        _bench.Rewrite(One, row => row with { State = InstanceState.Running });
        Remember();

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [TestCase(1, 0)]
    [TestCase(0, 1)]
    public void An_order_to_restart_it_is_a_new_chance(int reboots, int resets)
    {
        StayOff();
        _bench.Rewrite(One, row => row with { Reboots = reboots, Resets = resets });
        Remember();

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_policy_that_allows_it_starts_it()
    {
        StayOff();
        _bench.Rewrite(One, row => row with { Restart = InstanceRestart.OnCrash });
        Remember();

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void Another_change_of_the_row_is_none()
    {
        StayOff();
        _bench.Rewrite(One, row => row with { Mem = 1024 });
        Remember();

        Assert.That(Brief(Now), Does.StartWith("Crashed: "));
    }

    [Test]
    public void What_the_agent_turned_off_itself_did_not_end_by_itself()
    {
        _bench.Rewrite(One, row => row with { Restart = InstanceRestart.Never, State = InstanceState.Stopped });
        Remember();
        _bench.End(new ActionOutcome(new InstanceAction.Shutdown(One, false), ActionEnd.Done), Now, Retry);
        _bench.Observe(One, DomainState.Off, DomainReason.GuestPoweredOff);
        Remember();
        _bench.Rewrite(One, row => row with { State = InstanceState.Running });
        Remember();

        Assert.That(Brief(Now), Is.EqualTo("Starting: start"));
    }

    [Test]
    public void A_guest_that_its_watchdog_paused_stands_still_until_its_state_is_ordered_anew()
    {
        _bench.Rewrite(One, row => row with { Watchdog = InstanceWatchdog.Pause });
        Remember();
        _bench.Reobserve(One, domain => domain with { State = DomainState.Paused, Reason = DomainReason.Watchdog });
        Remember();
        Remember();
        Assert.That(Brief(Now + TimeSpan.FromHours(1)), Is.EqualTo("Paused: -"));

        _bench.Rewrite(One, row => row with { Name = "another" });
        Remember();
        Assert.That(Brief(Now), Is.EqualTo("Paused: -"));
        _bench.Rewrite(One, row => row with { State = InstanceState.Paused });
        Remember();
        _bench.Rewrite(One, row => row with { State = InstanceState.Running });
        Remember();
        Assert.That(Brief(Now + Retry.Backoff.First), Is.EqualTo("Paused: resume"));
    }

    /// <summary>It has crashed, is not to be started again, and that is written down.</summary>
    private void StayOff()
    {
        _bench.Rewrite(One, row => row with { Restart = InstanceRestart.Never });
        Remember();
        End(DomainReason.Crashed);
        var mark = (InstanceAction.SetMark)_bench.Plan(Now + Retry.Backoff.First).Actions.Single();
        _bench.Mark(One, _ => mark.Mark);
        _bench.End(new ActionOutcome(mark, ActionEnd.Done), Now, Retry);
        Assert.That(Brief(Now), Is.EqualTo("Crashed: -"));
    }

    private void End(DomainReason reason)
    {
        _bench.Observe(One, DomainState.Off, reason);
        Remember();
    }

    private void Remember() => _bench.Remember(One, Now, Retry);

    private string Brief(TimeSpan now)
    {
        var plan = _bench.Plan(now).Instances.Single();
        return $"{plan.Status.Status}: {plan.Action?.ToString().Split($" {One}")[0] ?? "-"}";
    }
}
