using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>A running reconciler over the fake hypervisor, and one instance.</summary>
public abstract class HostReconcilerFixture
{
    protected static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");

    private protected ReconcilerBench Bench { get; private set; } = null!;

    protected FakeHypervisor Hypervisor => Bench.Hypervisor;

    /// <summary>What the hypervisor was asked for so far.</summary>
    protected IEnumerable<string> Calls => Hypervisor.Calls.Select(call => call.Split(' ')[0]);

    [SetUp]
    public void Make() => Bench = new ReconcilerBench();

    [TearDown]
    public async Task DisposeAsync() => await Bench.DisposeAsync();

    /// <summary>Orders the instance to run, and waits until it does.</summary>
    protected async Task RunAsync()
    {
        Bench.Order(One, InstanceState.Running);
        await Bench.UntilAsync(One, InstanceStatus.Running);
    }

    protected static Task SeesAsync(string what, Func<bool> holds) => Eventually.HoldsAsync(what, holds);
}
