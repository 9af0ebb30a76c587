using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class HostReconcilerProperties
{
    private static readonly Guid Foreign = Guid.Parse("00000000-0000-0000-0000-0000000000ff");

    private static Gen<Guid> Instance => Gen.Choose(1, 3).Select(number => new Guid($"00000000-0000-0000-0000-{number:000000000000}"));

    private static Gen<string> AnyCall => Gen.Elements(
        "define", "start", "suspend", "resume", "shutdown", "reset", "reboot", "mark", "destroy", "undefine", "attach", "detach", "update");

    private static Gen<Step> AnyStep => Gen.OneOf(
        from instance in Instance
        from state in Gen.Elements<InstanceState?>(InstanceState.Running, InstanceState.Paused, InstanceState.Stopped, null)
        select (Step)new Step.Order(instance, state),
        from instance in Instance
        from call in AnyCall
        select (Step)new Step.Hold(instance, call),
        from instance in Instance
        from call in AnyCall
        select (Step)new Step.Fail(instance, call),
        from instance in Instance
        from reason in Gen.Elements(DomainReason.Crashed, DomainReason.GuestPoweredOff)
        select (Step)new Step.GoOff(instance, reason),
        from instance in Instance
        from index in Gen.Choose(0, 1)
        from model in Gen.Elements(VnicModel.Virtio, VnicModel.E1000e)
        from link in Gen.Elements(VnicLink.Up, VnicLink.Down)
        select (Step)new Step.OrderCard(instance, index, model, link),
        from instance in Instance
        from index in Gen.Choose(0, 1)
        select (Step)new Step.RemoveCard(instance, index),
        from instance in Instance
        from reboots in Gen.Choose(0, 3)
        from resets in Gen.Choose(0, 3)
        select (Step)new Step.OrderRestart(instance, reboots, resets),
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
        var cards = new Dictionary<Guid, (Guid Instance, string Model, bool IsUp)>();
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
                case Step.OrderCard(var instance, var index, var model, var link):
                    bench.AddTap(CardOf(instance, index));
                    bench.OrderCard(instance, CardOf(instance, index), index, model, link);
                    cards[CardOf(instance, index)] = (instance, CardXml.NameOf(model), link == VnicLink.Up);
                    break;
                case Step.OrderRestart(var instance, var reboots, var resets):
                    if (orders.GetValueOrDefault(instance) is not null)
                        bench.Reorder(instance, row => row with { Reboots = reboots, Resets = resets });
                    break;
                case Step.RemoveCard(var instance, var index):
                    bench.RemoveCard(CardOf(instance, index));
                    cards.Remove(CardOf(instance, index));
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
        // What failed is tried again when its time has come. A call that was given up may end after all that it was given up for, and what
        // it made then has to go as well: so nothing is left to do only when a fresh plan says so.
        await bench.UntilQuietAsync(
            $"{string.Join(", ", orders)} after {string.Join(", ", steps)}",
            () => orders.All(order => IsObeyed(order.Value, bench.StatusOf(order.Key), hypervisor.Domains.GetValueOrDefault(order.Key))
                && HasItsCards(order.Key, order.Value, hypervisor.Domains.GetValueOrDefault(order.Key), cards))
                && !bench.FreshPlan().Actions.Any(action => action is not InstanceAction.Unplug || orders[action.Instance] != InstanceState.Paused));
        Assert.That(hypervisor.Calls, Has.None.Contains(Foreign.ToString()));
        Assert.That(hypervisor.Domains[Foreign].State, Is.EqualTo(DomainState.Running));
    }

    private static bool IsObeyed(InstanceState? order, InstanceStatus? status, ObservedDomain? domain) => order switch
    {
        InstanceState.Running => status == InstanceStatus.Running && domain?.State == DomainState.Running,
        InstanceState.Paused => status == InstanceStatus.Paused && domain?.State == DomainState.Paused,
        InstanceState.Stopped => status == InstanceStatus.Stopped && domain?.State == DomainState.Off,
        _ => status is null && domain is null,
    };

    private static Guid CardOf(Guid instance, int index) => Guid.Parse($"{instance.ToString()[^1]}{index:0000000}{instance.ToString()[8..]}");

    private static bool HasItsCards(
        Guid instance, InstanceState? order, ObservedDomain? domain, Dictionary<Guid, (Guid Instance, string Model, bool IsUp)> cards)
    {
        var wanted = cards.Where(card => card.Value.Instance == instance).Select(card => (card.Key, card.Value.Model, card.Value.IsUp)).Order();
        var seen = domain?.Interfaces.Select(card => (card.Vnic!.Value, card.Model!, card.IsUp)).Order() ?? Enumerable.Empty<(Guid, string, bool)>();
        return order switch
        {
            InstanceState.Running => seen.SequenceEqual(wanted),
            // A guest that stands still can let go of nothing, and so keeps what is to go or to be replaced.
            InstanceState.Paused => wanted.All(card => seen.Any(one => one.Item1 == card.Key && (one.Item2 != card.Model || one.Item3 == card.IsUp))),
            _ => true,
        };
    }

    private abstract record Step
    {
        public sealed record Order(Guid Instance, InstanceState? State) : Step;

        public sealed record Hold(Guid Instance, string Call) : Step;

        public sealed record Fail(Guid Instance, string Call) : Step;

        public sealed record GoOff(Guid Instance, DomainReason Reason) : Step;

        public sealed record OrderCard(Guid Instance, int Index, VnicModel Model, VnicLink Link) : Step;

        public sealed record RemoveCard(Guid Instance, int Index) : Step;

        public sealed record OrderRestart(Guid Instance, int Reboots, int Resets) : Step;

        public sealed record OpenGates : Step;

        public sealed record Yield : Step;
    }
}
