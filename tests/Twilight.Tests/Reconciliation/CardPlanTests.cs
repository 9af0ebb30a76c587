using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>What is planned for the network cards of instances.</summary>
public sealed class CardPlanTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Guid CardA = Guid.Parse("0000000a-0000-0000-0000-000000000000");
    private static readonly Guid CardB = Guid.Parse("0000000b-0000-0000-0000-000000000000");
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(1000);
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);
    private static readonly RetryOptions Retry = new();
    private static readonly CardState Ready = new(CardReadiness.Ready, Mtu: 1450);

    private PlannerBench _bench = null!;

    [SetUp]
    public void Make() => _bench = new PlannerBench();

    [TestCase(InstanceState.Running, "")]
    [TestCase(InstanceState.Paused, ", paused")]
    public void An_instance_starts_with_its_cards_when_they_are_ready(InstanceState order, string how)
    {
        _bench.Want(One, order);
        _bench.WantCard(One, CardB, index: 1);
        _bench.WantCard(One, CardA, index: 0);
        _bench.SetCard(CardA, Ready);

        var waiting = Plan();
        Assert.That(waiting, Is.EqualTo((InstanceStatus.Starting, (string?)null, "Its card 52:54:00:00:00:01 is not ready: its tap device is not there yet.", Now + Moment)));

        _bench.SetCard(CardB, Ready with { Mtu = 9000 });
        var start = (InstanceAction.Start)Action()!;
        Assert.That(start.ToString(), Does.EndWith(how));
        Assert.That(
            ObservedInterface.AllOf(start.Definition.Xml).Select(card => (card.Vnic, card.Mtu)), Is.EqualTo(new (Guid?, int?)[] { (CardA, 1450), (CardB, 9000) }));
    }

    [Test]
    public void An_instance_with_a_card_that_cannot_be_had_is_broken_and_says_why()
    {
        _bench.Want(One, InstanceState.Running);
        _bench.WantCard(One, CardA, index: 0);
        _bench.WantCard(One, CardB, index: 1);
        _bench.SetCard(CardB, new CardState(CardReadiness.Broken, "no bond carries its VLAN"));

        Assert.That(Plan(), Is.EqualTo((InstanceStatus.Broken, (string?)null, "Its card 52:54:00:00:00:01: no bond carries its VLAN.", Now + (10 * Moment))));
    }

    [TestCase(InstanceState.Stopped, "shut down")]
    [TestCase(null, "remove")]
    public void What_is_to_go_off_minds_no_card(InstanceState? order, string expected)
    {
        _bench.Want(One, InstanceState.Running);
        _bench.WantCard(One, CardA);
        _bench.Observe(One, DomainState.Running);
        _bench.ObserveCards(One, Card(CardB));
        Asked(CardB, times: 3);
        if (order is { } state)
            _bench.Want(One, state);
        else
            _bench.Unwant(One);
        _bench.Remember(One, Now, Retry);

        Assert.That(Plan().Action, Does.StartWith(expected));
    }

    [Test]
    public void The_cards_of_an_instance_that_waits_with_its_failure_are_not_asked_for()
    {
        _bench.Want(One, InstanceState.Running);
        _bench.WantCard(One, CardA);
        _bench.Remember(One, Now, Retry);
        _bench.End(new ActionOutcome(_bench.StartOf(One), ActionEnd.Failed, "no room"), Now, Retry);

        Assert.That((Plan().Status, Plan().Why), Is.EqualTo((InstanceStatus.Broken, "no room")));
    }

    private static IEnumerable<TestCaseData> Changes()
    {
        (string What, ObservedInterface[] Seen, string? Expected)[] rows =
        [
            ("as it is to be", [Card(CardA)], null),
            ("written otherwise", [Card(CardA) with { HardwareAddress = "52:54:00:00:00:0A" }], null),
            ("missing", [], "plug"),
            ("another link", [Card(CardA) with { IsUp = false }], "set link"),
            ("another model", [Card(CardA) with { Model = "rtl8139" }], "unplug"),
            ("another address", [Card(CardA) with { HardwareAddress = "52:54:00:00:00:ff" }], "unplug"),
            ("another MTU, of which a guest that runs cannot be told", [Card(CardA) with { Mtu = 1000 }], null),
            ("one too many", [Card(CardA), Card(CardB)], "unplug"),
            ("one that somebody else plugged in", [Card(CardA), Card(CardB) with { Vnic = null }], null),
            ("the link before all others", [Card(CardB), Card(CardA) with { IsUp = false }], "set link"),
            ("what is to go before what is to come", [Card(CardB)], "unplug"),
        ];
        return rows.Select(row => new TestCaseData(row.Seen, row.Expected).SetArgDisplayNames(row.What));
    }

    [TestCaseSource(nameof(Changes))]
    public void A_running_domain_gets_the_smallest_change(ObservedInterface[] seen, string? expected)
    {
        _bench.Want(One, InstanceState.Running);
        _bench.WantCard(One, CardA, address: "52:54:00:00:00:0a");
        _bench.SetCard(CardA, Ready);
        _bench.Observe(One, DomainState.Running);
        _bench.ObserveCards(One, seen);

        var plan = Plan();

        Assert.That(plan.Status, Is.EqualTo(InstanceStatus.Running));
        Assert.That(plan.Why, Is.Null);
        Assert.That(plan.Action, expected is null ? Is.Null : Does.StartWith(expected));
    }

    [Test]
    public void A_card_that_became_another_is_unplugged_and_then_plugged_in()
    {
        Running(Card(CardA) with { Model = "e1000e" });
        var card = _bench.WantCard(One, CardA, address: "52:54:00:00:00:0a");
        _bench.SetCard(CardA, Ready);

        Assert.That(Action(), Is.InstanceOf<InstanceAction.Unplug>());
        Asked(CardA, times: 1);
        _bench.ObserveCards(One);
        _bench.Remember(One, Now, Retry);
        Assert.That(Action(), Is.EqualTo(new InstanceAction.Plug(One, card with { Mtu = 1450 })), "at once: that it was asked for is over");
    }

    [Test]
    public void A_paused_domain_gets_its_cards_too()
    {
        _bench.Want(One, InstanceState.Paused);
        _bench.WantCard(One, CardA);
        _bench.SetCard(CardA, Ready);
        _bench.Observe(One, DomainState.Paused, DomainReason.PausedByOrder);

        Assert.That(Action(), Is.InstanceOf<InstanceAction.Plug>());
    }

    [Test]
    public void The_order_itself_comes_before_the_cards()
    {
        _bench.Want(One, InstanceState.Paused);
        _bench.WantCard(One, CardA);
        _bench.SetCard(CardA, Ready);
        _bench.Observe(One, DomainState.Running);

        Assert.That(Action(), Is.InstanceOf<InstanceAction.Pause>());
    }

    [Test]
    public void A_card_that_is_not_ready_is_not_plugged_in_and_the_others_are_changed()
    {
        Running(Card(CardB) with { IsUp = false });
        _bench.WantCard(One, CardA, address: "52:54:00:00:00:0a");
        _bench.WantCard(One, CardB, index: 1, address: "52:54:00:00:00:0b");

        var plan = Plan();
        Assert.That((plan.Status, plan.Why), Is.EqualTo((InstanceStatus.Running, "Its card 52:54:00:00:00:0a is not ready: its tap device is not there yet.")));
        Assert.That(plan.Action, Does.StartWith("set link"));
        Assert.That(plan.WakeAt, Is.EqualTo(Now + Moment));

        _bench.SetCard(CardA, new CardState(CardReadiness.Broken, "its filter cannot be made"));
        Assert.That(Plan().Why, Is.EqualTo("Its card 52:54:00:00:00:0a: its filter cannot be made."));
    }

    [Test]
    public void A_guest_that_does_not_let_go_is_asked_again_less_and_less_often_and_that_is_said()
    {
        Running(Card(CardA));
        _bench.Remember(One, Now, Retry);
        var now = Now;
        var pauses = new List<double>();
        for (var i = 0; i < 7; i++)
        {
            var ask = _bench.Plan(now).Instances.Single().Action!;
            Assert.That(ask, Is.InstanceOf<InstanceAction.Unplug>());
            _bench.End(new ActionOutcome(ask, ActionEnd.Done), now, Retry);
            _bench.Remember(One, now, Retry);

            var waiting = _bench.Plan(now).Instances.Single();
            Assert.That((waiting.Action, waiting.Status.Status), Is.EqualTo(((InstanceAction?)null, InstanceStatus.Running)));
            Assert.That(waiting.Status.Why, Does.Contain("has not released its card 52:54:00:00:00:0a").And.Contain("next start"));
            pauses.Add((waiting.WakeAt!.Value - now).TotalSeconds);
            now = waiting.WakeAt.Value;
        }

        Assert.That(pauses, Is.EqualTo((double[])[10, 20, 40, 80, 160, 300, 300]));
        _bench.ObserveCards(One);
        _bench.Remember(One, now, Retry);
        Assert.That(_bench.Plan(now).Instances.Single().Status.Why, Is.Null);
    }

    [Test]
    public void A_card_that_cannot_be_plugged_in_leaves_the_instance_running_and_is_tried_again_later()
    {
        Running();
        _bench.WantCard(One, CardA, address: "52:54:00:00:00:0a");
        _bench.SetCard(CardA, Ready);
        _bench.Remember(One, Now, Retry);
        _bench.End(new ActionOutcome(Action()!, ActionEnd.Failed, "no room"), Now, Retry);

        Assert.That(Plan(), Is.EqualTo((InstanceStatus.Running, (string?)null, "Its card 52:54:00:00:00:0a could not be plugged in: no room", Now + Retry.Backoff.First)));
        _bench.WantCard(One, CardA, address: "52:54:00:00:00:0b");
        _bench.Remember(One, Now, Retry);
        Assert.That(Action(), Is.InstanceOf<InstanceAction.Plug>(), "a new order is a new chance");
    }

    [Test]
    public void A_card_for_which_the_guest_has_no_place_comes_at_its_next_start()
    {
        Running();
        _bench.WantCard(One, CardA, index: 16);
        _bench.SetCard(CardA, Ready);
        _bench.Remember(One, Now, Retry);
        var plug = Action()!;
        Assert.That(plug, Is.InstanceOf<InstanceAction.Plug>(), "it may have started with such a card");
        _bench.End(new ActionOutcome(plug, ActionEnd.Failed, "no such bus"), Now, Retry);

        Assert.That(Plan().Why, Is.EqualTo("Its card 52:54:00:00:00:10 comes at the next start, since the guest has no place for it now."));
    }

    [Test]
    public void A_card_in_trouble_does_not_hold_another_up()
    {
        Running(Card(CardA), Card(CardB));
        _bench.Remember(One, Now, Retry);
        Asked(CardA, times: 1);

        Assert.That(((InstanceAction.Unplug)Action()!).Vnic, Is.EqualTo(CardB));
    }

    [Test]
    public void What_is_under_way_is_kept_while_it_leads_to_what_is_wanted_even_if_it_is_to_be_seen_already()
    {
        Running(Card(CardA));
        var card = _bench.WantCard(One, CardA, address: "52:54:00:00:00:0a");
        _bench.SetCard(CardA, Ready);
        var plug = new InstanceAction.Plug(One, card);
        _bench.InFlight(plug);

        Assert.That(Action(), Is.SameAs(plug));
        _bench.UnwantCard(CardA);
        Assert.That(Action(), Is.InstanceOf<InstanceAction.Unplug>(), "which cancels it");
    }

    [Test]
    public void Cards_are_no_change_of_the_shape()
    {
        Running(Card(CardA));
        _bench.WantCard(One, CardA, address: "52:54:00:00:00:0a");
        _bench.WantCard(One, CardB, index: 1);
        _bench.SetCard(CardB, Ready);

        Assert.That(Plan().Why, Is.Null);
        _bench.Want(One, InstanceState.Running, mem: 2048);
        Assert.That(Plan().Why, Does.Contain("changed shape"));
    }

    [Test]
    public void While_no_orders_are_known_cards_are_left_alone()
    {
        _bench = new PlannerBench { IsDesiredKnown = false };
        _bench.Observe(One, DomainState.Running);
        _bench.ObserveCards(One, Card(CardA));

        Assert.That(Action(), Is.Null);
    }

    [Test]
    public void A_domain_that_is_held_keeps_its_cards()
    {
        _bench = new PlannerBench { Released = [] };
        foreach (var forgotten in new[] { One, Guid.NewGuid(), Guid.NewGuid() })
        {
            _bench.Observe(forgotten, DomainState.Running);
            _bench.ObserveCards(forgotten, Card(CardA));
        }

        Assert.That(_bench.Plan(Now).Actions, Is.Empty);
    }

    private static ObservedInterface Card(Guid vnic) => new()
    {
        Vnic = vnic,
        Target = "pct" + vnic.ToString("N")[..12],
        HardwareAddress = vnic == CardA ? "52:54:00:00:00:0a" : "52:54:00:00:00:0b",
        Model = "virtio",
        Mtu = 1450,
    };

    private void Running(params ObservedInterface[] cards)
    {
        _bench.Want(One, InstanceState.Running);
        _bench.Observe(One, DomainState.Running);
        _bench.ObserveCards(One, cards);
    }

    private void Asked(Guid vnic, int times)
    {
        for (var i = 0; i < times; i++)
            _bench.End(new ActionOutcome(new InstanceAction.Unplug(One, Card(vnic)), ActionEnd.Done), Now, Retry);
    }

    private InstanceAction? Action() => _bench.Plan(Now).Instances.Single().Action;

    private (InstanceStatus Status, string? Action, string? Why, TimeSpan? WakeAt) Plan()
    {
        var plan = _bench.Plan(Now).Instances.Single();
        return (plan.Status.Status, plan.Action?.ToString(), plan.Status.Why, plan.WakeAt);
    }
}
