using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>What is planned about the size of an instance that is on.</summary>
public sealed class ResizePlanTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(1000);
    private static readonly RetryOptions Retry = new();

    private PlannerBench _bench = null!;

    [SetUp]
    public void Make()
    {
        _bench = new PlannerBench();
        _bench.Want(One, InstanceState.Running, mem: 512);
        _bench.Rewrite(One, row => row with { Vcpu = 1, VcpuMax = 4, MemMax = 2048 });
        _bench.Observe(One, DomainState.Running);
        var fields = _bench.DefinitionOf(One).Fields;
        _bench.Mark(One, mark => mark with { Fields = fields });
        See(1, 512);
    }

    [TestCase(1, 512, "-", "")]
    [TestCase(2, 512, "2 processors", "")]
    [TestCase(4, 1024, "4 processors", "")]
    [TestCase(1, 2048, "2048 MiB", "")]
    [TestCase(1, 256, "256 MiB", "")]
    [TestCase(1, 511, "-", "")]
    public void Within_its_maxima_it_is_resized_at_once(int vcpu, long mem, string action, string pending)
    {
        _bench.Rewrite(One, row => row with { Vcpu = vcpu, Mem = mem });
        Remember();

        Assert.That((Action(), string.Join(' ', Planned().Status.Pending)), Is.EqualTo((action, pending)));
    }

    [Test]
    public void Beyond_its_maximum_it_waits_for_its_next_start_and_says_so()
    {
        _bench.Rewrite(One, row => row with { Vcpu = 6, VcpuMax = 8, Mem = 4096, MemMax = 8192 });
        Remember();

        Assert.That((Action(), string.Join(' ', Planned().Status.Pending)), Is.EqualTo(("-", "mem mem_max vcpu vcpu_max")));
    }

    [Test]
    public void Without_a_maximum_it_waits_for_its_next_start_and_says_so()
    {
        _bench.Rewrite(One, row => row with { Vcpu = 2, VcpuMax = null, Mem = 256, MemMax = null });
        Remember();

        Assert.That((Action(), string.Join(' ', Planned().Status.Pending)), Is.EqualTo(("-", "mem vcpu")));
    }

    [TestCase(DomainState.Paused, DomainReason.PausedByOrder, InstanceState.Paused, "-")]
    [TestCase(DomainState.Running, DomainReason.Other, InstanceState.Paused, "pause")]
    [TestCase(DomainState.Running, DomainReason.Other, InstanceState.Stopped, "shut down")]
    public void Any_other_order_goes_first(DomainState state, DomainReason reason, InstanceState order, string expected)
    {
        _bench.Reobserve(One, domain => domain with { State = state, Reason = reason });
        _bench.Rewrite(One, row => row with { Mem = 1024, State = order });
        Remember();

        Assert.That(Action(), Is.EqualTo(expected));
    }

    [Test]
    public void A_guest_that_does_not_follow_is_asked_again_with_patience_and_stays_running()
    {
        _bench.Rewrite(One, row => row with { Mem = 256 });
        Remember();
        End(new InstanceAction.SetMemory(One, 256), ActionEnd.Done);

        var waiting = Planned();
        Assert.That((waiting.Status.Status, waiting.Action, waiting.WakeAt), Is.EqualTo((InstanceStatus.Running, (InstanceAction?)null, Now + TimeSpan.FromSeconds(10))));
        Assert.That(waiting.Status.Why, Is.EqualTo("Its guest has 512 MiB of memory and is to have 256; it has not followed yet, and is asked again."));
        Assert.That(Action(waiting.WakeAt), Is.EqualTo("256 MiB"));

        See(1, 256);
        Remember();
        Assert.That((Action(), Planned().Status.Why, Planned().Status.Mem), Is.EqualTo(("-", (string?)null, 256L)));
    }

    [Test]
    public void What_cannot_be_done_holds_nothing_else_up_and_a_new_order_is_a_new_chance()
    {
        _bench.Rewrite(One, row => row with { Vcpu = 2, Mem = 1024 });
        Remember();
        End(new InstanceAction.SetVcpus(One, 2), ActionEnd.Failed, "no way");

        Assert.That((Action(), Planned().Status.Why), Is.EqualTo(("1024 MiB", (string?)null)));
        End(new InstanceAction.SetMemory(One, 1024), ActionEnd.Done);
        Assert.That((Action(), Planned().Status.Why), Is.EqualTo(("-", "Its processors could not be changed: no way")));
        _bench.Rewrite(One, row => row with { Vcpu = 3 });
        Remember();
        Assert.That(Action(), Is.EqualTo("3 processors"));
    }

    private void See(int vcpu, long memory) => _bench.Reobserve(One, domain => domain with { Vcpu = vcpu, Memory = memory });

    private void Remember() => _bench.Remember(One, Now, Retry);

    private void End(InstanceAction action, ActionEnd end, string? why = null) => _bench.End(new ActionOutcome(action, end, why), Now, Retry);

    private InstancePlan Planned(TimeSpan? now = null) => _bench.Plan(now ?? Now).Instances.Single();

    private string Action(TimeSpan? now = null) => Planned(now).Action switch
    {
        null => "-",
        InstanceAction.SetVcpus set => $"{set.Target} processors",
        InstanceAction.SetMemory set => $"{set.Target} MiB",
        var other => other.ToString().Split($" {One}")[0],
    };
}
