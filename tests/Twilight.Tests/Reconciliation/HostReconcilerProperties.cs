using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class HostReconcilerProperties
{
    private static readonly Guid Foreign = Guid.Parse("00000000-0000-0000-0000-0000000000ff");

    private static Gen<Guid> Instance => Gen.Choose(1, 3).Select(number => new Guid($"00000000-0000-0000-0000-{number:000000000000}"));

    private static Gen<Step> AnyStep => Gen.OneOf(
        from instance in Instance
        from state in Gen.Elements<InstanceState?>(InstanceState.Running, InstanceState.Paused, InstanceState.Stopped, null)
        select (Step)new Step.Order(instance, state),
        from instance in Instance
        from call in Gen.Elements("define", "start", "suspend", "resume", "shutdown", "destroy", "undefine")
        select (Step)new Step.Hold(instance, call),
        from instance in Instance
        from call in Gen.Elements("define", "start", "suspend", "resume", "shutdown", "destroy", "undefine")
        select (Step)new Step.Fail(instance, call),
        from instance in Instance
        from reason in Gen.Elements(DomainReason.Crashed, DomainReason.GuestPoweredOff)
        select (Step)new Step.GoOff(instance, reason),
        Gen.Constant((Step)new Step.OpenGates()),
        Gen.Constant((Step)new Step.Yield()));

    [Test]
    public void Whatever_happens_while_actions_are_slow_the_last_order_is_obeyed() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(100),
        Prop.ForAll(Arb.From(Gen.ListOf(AnyStep)), steps => ObeysAsync(steps).GetAwaiter().GetResult()));

    private static async Task ObeysAsync(IEnumerable<Step> steps)
    {
        await using var bench = new ReconcilerBench();
        var hypervisor = bench.Hypervisor;
        hypervisor.AddForeign(Foreign, "by hand", DomainState.Running);
        var orders = new Dictionary<Guid, InstanceState?>();
        var gates = new List<FakeHypervisor.Gate>();
        bench.Send();
        foreach (var step in steps)
        {
            switch (step)
            {
                case Step.Order(var instance, var state):
                    orders[instance] = state;
                    bench.Order(instance, state);
                    break;
                case Step.Hold(var instance, var call):
                    gates.Add(hypervisor.Hold(call, instance));
                    break;
                case Step.Fail(var instance, var call):
                    hypervisor.Fail(call, instance, "on purpose");
                    break;
                case Step.GoOff(var instance, var reason):
                    if (hypervisor.Domains.TryGetValue(instance, out var domain) && domain.State is DomainState.Running)
                        hypervisor.Put(instance, DomainState.Off, reason);
                    break;
                case Step.OpenGates:
                    gates.ForEach(gate => gate.Open());
                    break;
                case Step.Yield:
                    await Task.Yield();
                    break;
            }
        }

        gates.ForEach(gate => gate.Open());
        // What failed is tried again when its time has come.
        await bench.UntilQuietAsync(
            $"{string.Join(", ", orders)} after {string.Join(", ", steps)}",
            () => orders.All(order => IsObeyed(order.Value, bench.StatusOf(order.Key), hypervisor.Domains.GetValueOrDefault(order.Key))));
        Assert.That(hypervisor.Calls, Has.None.Contains(Foreign.ToString()));
        Assert.That(hypervisor.Domains[Foreign].State, Is.EqualTo(DomainState.Running));
        Assert.That(bench.FreshPlan().Actions, Is.Empty, "a second plan has nothing to do");
    }

    private static bool IsObeyed(InstanceState? order, InstanceStatus? status, ObservedDomain? domain) => order switch
    {
        InstanceState.Running => status == InstanceStatus.Running && domain?.State == DomainState.Running,
        InstanceState.Paused => status == InstanceStatus.Paused && domain?.State == DomainState.Paused,
        InstanceState.Stopped => status == InstanceStatus.Stopped && domain?.State == DomainState.Off,
        _ => status is null && domain is null,
    };

    private abstract record Step
    {
        public sealed record Order(Guid Instance, InstanceState? State) : Step;

        public sealed record Hold(Guid Instance, string Call) : Step;

        public sealed record Fail(Guid Instance, string Call) : Step;

        public sealed record GoOff(Guid Instance, DomainReason Reason) : Step;

        public sealed record OpenGates : Step;

        public sealed record Yield : Step;
    }
}
