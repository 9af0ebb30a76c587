using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>What is planned about one instance that is to run, and does at first.</summary>
public abstract class InstancePlanFixture
{
    protected static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    protected static readonly TimeSpan Now = TimeSpan.FromSeconds(1000);
    protected static readonly RetryOptions Retry = new();

    private protected PlannerBench Bench { get; private set; } = null!;

    [SetUp]
    public void Run()
    {
        Bench = new PlannerBench();
        Bench.Want(One, InstanceState.Running);
        Bench.Observe(One, DomainState.Running);
        Remember();
    }

    /// <summary>The agent has looked at it.</summary>
    private protected void Remember() => Bench.Remember(One, Now, Retry);

    /// <summary>The row is changed, and the agent has seen it.</summary>
    private protected void Rewrite(Func<InstanceDesired, InstanceDesired> change)
    {
        Bench.Rewrite(One, change);
        Remember();
    }

    private protected void End(InstanceAction action, ActionEnd end = ActionEnd.Done, string? why = null) =>
        Bench.End(new ActionOutcome(action, end, why), Now, Retry);

    private protected InstancePlan Planned(TimeSpan? at = null) => Bench.Plan(at ?? Now).Instances.Single();

    private protected InstanceAction? ActionAt(TimeSpan at) => Planned(at).Action;

    /// <summary>What is done, in a word or two.</summary>
    private protected static string Verb(InstanceAction? action) => action?.ToString().Split($" {One}")[0] ?? "-";

    private protected static string Brief(InstancePlan plan) => $"{plan.Status.Status}: {Verb(plan.Action)}";

    private protected string Brief(TimeSpan at) => Brief(Planned(at));
}
