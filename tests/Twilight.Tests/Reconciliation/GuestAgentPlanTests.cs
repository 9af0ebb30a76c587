using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>When an agent in a guest is asked for what, and what its words are worth.</summary>
public sealed class GuestAgentPlanTests : InstancePlanFixture
{
    [SetUp]
    public void AddAgent()
    {
        Bench.Reobserve(One, domain => domain with { HasAgent = true });
        Remember();
    }

    [Test]
    public void A_stop_asks_the_agent_first_and_presses_the_button_from_then_on()
    {
        Stop();
        var ask = new InstanceAction.Shutdown(One, ResumeFirst: false) { ByAgent = true };
        Assert.That(ActionAt(Now), Is.EqualTo(ask));

        End(ask);

        Assert.That(ActionAt(Now), Is.Null);
        Assert.That(ActionAt(Now + TimeSpan.FromSeconds(10)), Is.EqualTo(new InstanceAction.Shutdown(One, ResumeFirst: false)));
    }

    [Test]
    public void Without_an_agent_a_stop_presses_the_button()
    {
        Bench.Reobserve(One, domain => domain with { HasAgent = false });
        Stop();

        Assert.That(ActionAt(Now), Is.EqualTo(new InstanceAction.Shutdown(One, ResumeFirst: false)));
    }

    [Test]
    public void A_power_cut_that_is_due_does_not_wait_for_an_agent()
    {
        Stop();
        Bench.InFlight(new InstanceAction.Shutdown(One, ResumeFirst: false) { ByAgent = true });
        Assert.That(Bench.Plan(Now).WakeAt, Is.EqualTo(Now + TimeSpan.FromSeconds(60)));

        Assert.That(ActionAt(Now + TimeSpan.FromSeconds(60)), Is.EqualTo(new InstanceAction.PowerOff(One)));
    }

    [Test]
    public void A_stop_that_is_withdrawn_or_becomes_a_removal_does_not_wait_for_an_agent()
    {
        Stop();
        Bench.InFlight(new InstanceAction.Shutdown(One, ResumeFirst: false) { ByAgent = true });
        Bench.Rewrite(One, row => row with { State = InstanceState.Running });
        Assert.That(ActionAt(Now), Is.Null);

        Bench.Unwant(One);
        Assert.That(ActionAt(Now), Is.EqualTo(new InstanceAction.Remove(One)));
    }

    [Test]
    public void A_reboot_asks_the_agent_first_and_presses_the_button_from_then_on()
    {
        Bench.Rewrite(One, row => row with { Reboots = 1 });
        var ask = new InstanceAction.Reboot(One, 1, 0) { ByAgent = true };
        Assert.That(ActionAt(Now), Is.EqualTo(ask));

        End(ask);

        Assert.That(ActionAt(Now), Is.Null);
        Assert.That(ActionAt(Now + TimeSpan.FromSeconds(10)), Is.EqualTo(new InstanceAction.Reboot(One, 1, 0)));
    }

    [Test]
    public void Of_what_a_guest_says_only_addresses_count_that_mean_something_outside()
    {
        Assert.That(
            GuestAddresses.Of(["fe80::1%eth0", "192.0.2.9", "10.0.0.1", "::1", "127.0.0.1", "169.254.1.1", "2001:DB8::0:1", "10.0.0.1", "<b>no</b>", ""]),
            Is.EqualTo(TextList.Of(["10.0.0.1", "192.0.2.9", "2001:db8::1"])));
        Assert.That(GuestAddresses.Of(Enumerable.Range(0, 200).Select(last => $"10.0.0.{last}")), Has.Count.EqualTo(AgentMemory.AddressesMax));
    }

    [Test]
    public void An_agent_is_asked_at_once_soon_again_and_then_twice_a_minute()
    {
        var agent = AgentMemory.Connected(mayBeFrozen: false, Now);
        var waits = new List<double>();
        for (var at = Now; waits.Count < 5; at = agent.AskAt)
        {
            agent = agent.Answered(["10.0.0.1"], at);
            waits.Add((agent.AskAt - at).TotalSeconds);
        }

        Assert.That(waits, Is.EqualTo([5, 5, 30, 30, 30]));
    }

    [Test]
    public void Of_an_agent_that_falls_silent_nothing_is_known_and_it_is_asked_with_patience()
    {
        var agent = AgentMemory.Connected(mayBeFrozen: true, Now).Answered(["10.0.0.1"], Now);
        var waits = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            agent = agent.Silenced(Now);
            waits.Add((agent.AskAt - Now).TotalSeconds);
        }

        Assert.That(agent.Addresses, Is.Null);
        Assert.That(waits, Is.EqualTo([30, 60, 120, 240, 300, 300]));
        Assert.That(agent.MayBeFrozen, "until it is thawed");
    }

    private void Stop() => Rewrite(row => row with { State = InstanceState.Stopped });
}
