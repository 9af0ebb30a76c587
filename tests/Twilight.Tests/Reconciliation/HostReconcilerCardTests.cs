using Moq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class HostReconcilerCardTests : HostReconcilerFixture
{
    private static readonly Guid CardA = Guid.Parse("0000000a-0000-0000-0000-000000000000");
    private static readonly Guid CardB = Guid.Parse("0000000b-0000-0000-0000-000000000000");

    private IReadOnlyList<ObservedInterface> Cards => Hypervisor.Domains[One].Interfaces;

    [Test]
    public async Task An_instance_waits_for_the_tap_devices_of_its_cards()
    {
        Bench.OrderCard(One, CardA);
        Bench.Order(One, InstanceState.Running);
        await Bench.UntilAsync(One, InstanceStatus.Starting);
        Assert.That(Bench.RowOf(One)!.Why, Is.EqualTo("Its card 52:54:00:00:00:00 is not ready: there is no tap device pct0000000a0000 yet."));
        Assert.That(Hypervisor.Calls, Is.Empty);

        Bench.AddTap(CardA, mtu: 1400);
        await Bench.UntilQuietAsync("it runs", () => Bench.StatusOf(One) == InstanceStatus.Running);

        Assert.That(Cards.Select(card => (card.Vnic, card.Mtu)), Is.EqualTo(new (Guid?, int?)[] { (CardA, 1400) }));
        Assert.That(Bench.RowOf(One)!.Why, Is.Null);
    }

    [Test]
    public async Task Who_makes_the_tap_devices_wakes_the_host_when_one_is_ready()
    {
        var cards = new Mock<IInstanceCards>();
        var state = new CardState(CardReadiness.Broken, "no bond carries its VLAN");
        cards.Setup(all => all.Of(CardA)).Returns(() => state);
        await using var bench = new ReconcilerBench(cards: cards.Object);
        bench.OrderCard(One, CardA);
        bench.Order(One, InstanceState.Running);
        await bench.UntilAsync(One, InstanceStatus.Broken);
        Assert.That(bench.RowOf(One)!.Why, Does.Contain("no bond carries its VLAN"));

        // Time stands still, so nothing else wakes it.
        state = new CardState(CardReadiness.Ready);
        cards.Raise(all => all.Changed += null);
        await bench.UntilAsync(One, InstanceStatus.Running);
    }

    [Test]
    public async Task The_cards_of_a_running_instance_follow_their_rows()
    {
        Bench.AddTap(CardA);
        Bench.AddTap(CardB);
        await RunAsync();

        Bench.OrderCard(One, CardA);
        Bench.OrderCard(One, CardB, index: 1);
        await SeesAsync("two cards", () => Cards.Count == 2);
        Bench.OrderCard(One, CardB, index: 1, link: VnicLink.Down);
        await SeesAsync("its link down", () => Cards.Any(card => card is { Vnic: var vnic, IsUp: false } && vnic == CardB));
        Bench.OrderCard(One, CardB, index: 1, model: VnicModel.E1000e);
        await SeesAsync("another model", () => Cards.Any(card => card is { Vnic: var vnic, IsUp: true, Model: "e1000e" } && vnic == CardB));
        Bench.RemoveCard(CardA);
        await SeesAsync("one card", () => Cards.Count == 1);

        Assert.That(Bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));
        Assert.That(Calls, Is.EqualTo(
            (string[])["define", "start", "attach", "attach", "update", "detach", "attach", "detach"]));
    }

    [Test]
    public async Task A_card_that_the_guest_does_not_release_holds_up_neither_stop_nor_removal()
    {
        Hypervisor.GuestsReleaseDevices = false;
        Bench.AddTap(CardA);
        Bench.OrderCard(One, CardA);
        await RunAsync();
        Bench.RemoveCard(CardA);
        await Bench.UntilAsync("it is said", () => Bench.RowOf(One)!.Why?.Contains("has not released its card", StringComparison.Ordinal) == true);
        Assert.That(Bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));

        Bench.Order(One, InstanceState.Stopped);
        await Bench.UntilAsync(One, InstanceStatus.Stopped);
        await RunAsync();
        Assert.That((Cards, Bench.RowOf(One)!.Why), Is.EqualTo((Array.Empty<ObservedInterface>(), (string?)null)));
        Bench.Order(One, null);
        await Bench.UntilAsync(One, null);
    }

    [Test]
    public async Task A_stop_does_not_wait_for_a_card_that_is_being_plugged_in()
    {
        Bench.AddTap(CardA);
        await RunAsync();
        var gate = Hypervisor.Hold("attach", One);
        Bench.OrderCard(One, CardA);
        await gate.Arrived;

        // The gate stays shut.
        Bench.Order(One, InstanceState.Stopped, stopTimeout: 0);
        await Bench.UntilAsync(One, InstanceStatus.Stopped);

        Assert.That(Hypervisor.Domains[One].State, Is.EqualTo(DomainState.Off));
        gate.Open();
    }

    [Test]
    public async Task A_card_that_cannot_be_plugged_in_is_told_once_and_tried_again()
    {
        Bench.AddTap(CardA);
        await RunAsync();
        Hypervisor.Fail("attach", One, "no room");
        Hypervisor.Fail("attach", One, "no room");
        Bench.OrderCard(One, CardA);
        await Bench.UntilAsync("it is said", () => Bench.RowOf(One)!.Why == "Its card 52:54:00:00:00:00 could not be plugged in: no room");

        await Bench.UntilQuietAsync("it is plugged in", () => Cards.Count == 1 && Bench.RowOf(One)!.Why is null);

        Assert.That(Bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));
        Assert.That(Bench.Notifications.Select(notification => notification.Type), Is.EqualTo((string[])["instance-card-failed"]));
    }
}
