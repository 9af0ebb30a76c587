using Moq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class HostReconcilerCardTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Guid CardA = Guid.Parse("0000000a-0000-0000-0000-000000000000");
    private static readonly Guid CardB = Guid.Parse("0000000b-0000-0000-0000-000000000000");

    private ReconcilerBench _bench = null!;

    private FakeHypervisor Hypervisor => _bench.Hypervisor;

    private IReadOnlyList<ObservedInterface> Cards => Hypervisor.Domains[One].Interfaces;

    [SetUp]
    public void Make() => _bench = new ReconcilerBench();

    [TearDown]
    public async Task DisposeAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task An_instance_waits_for_the_tap_devices_of_its_cards()
    {
        _bench.OrderCard(One, CardA);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Starting);
        Assert.That(_bench.RowOf(One)!.Why, Is.EqualTo("Its card 52:54:00:00:00:00 is not ready: there is no tap device pct0000000a0000 yet."));
        Assert.That(Hypervisor.Calls, Is.Empty);

        _bench.AddTap(CardA, mtu: 1400);
        await _bench.UntilQuietAsync("it runs", () => _bench.StatusOf(One) == InstanceStatus.Running);

        Assert.That(Cards.Select(card => (card.Vnic, card.Mtu)), Is.EqualTo(new (Guid?, int?)[] { (CardA, 1400) }));
        Assert.That(_bench.RowOf(One)!.Why, Is.Null);
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
        _bench.AddTap(CardA);
        _bench.AddTap(CardB);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);

        _bench.OrderCard(One, CardA);
        _bench.OrderCard(One, CardB, index: 1);
        await SeesAsync("two cards", () => Cards.Count == 2);
        _bench.OrderCard(One, CardB, index: 1, link: VnicLink.Down);
        await SeesAsync("its link down", () => Cards.Any(card => card is { Vnic: var vnic, IsUp: false } && vnic == CardB));
        _bench.OrderCard(One, CardB, index: 1, model: VnicModel.E1000e);
        await SeesAsync("another model", () => Cards.Any(card => card is { Vnic: var vnic, IsUp: true, Model: "e1000e" } && vnic == CardB));
        _bench.RemoveCard(CardA);
        await SeesAsync("one card", () => Cards.Count == 1);

        Assert.That(_bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));
        Assert.That(Hypervisor.Calls.Select(call => call.Split(' ')[0]), Is.EqualTo(
            (string[])["define", "start", "attach", "attach", "update", "detach", "attach", "detach"]));
    }

    [Test]
    public async Task A_card_that_the_guest_does_not_release_holds_up_neither_stop_nor_removal()
    {
        Hypervisor.GuestsReleaseDevices = false;
        _bench.AddTap(CardA);
        _bench.OrderCard(One, CardA);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        _bench.RemoveCard(CardA);
        await _bench.UntilAsync("it is said", () => _bench.RowOf(One)!.Why?.Contains("has not released its card", StringComparison.Ordinal) == true);
        Assert.That(_bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));

        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync(One, InstanceStatus.Stopped);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        Assert.That((Cards, _bench.RowOf(One)!.Why), Is.EqualTo((Array.Empty<ObservedInterface>(), (string?)null)));
        _bench.Order(One, null);
        await _bench.UntilAsync(One, null);
    }

    [Test]
    public async Task A_stop_does_not_wait_for_a_card_that_is_being_plugged_in()
    {
        _bench.AddTap(CardA);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        var gate = Hypervisor.Hold("attach", One);
        _bench.OrderCard(One, CardA);
        await gate.Arrived;

        // The gate stays shut.
        _bench.Order(One, InstanceState.Stopped, stopTimeout: 0);
        await _bench.UntilAsync(One, InstanceStatus.Stopped);

        Assert.That(Hypervisor.Domains[One].State, Is.EqualTo(DomainState.Off));
        gate.Open();
    }

    [Test]
    public async Task A_card_that_cannot_be_plugged_in_is_told_once_and_tried_again()
    {
        _bench.AddTap(CardA);
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
        Hypervisor.Fail("attach", One, "no room");
        Hypervisor.Fail("attach", One, "no room");
        _bench.OrderCard(One, CardA);
        await _bench.UntilAsync("it is said", () => _bench.RowOf(One)!.Why == "Its card 52:54:00:00:00:00 could not be plugged in: no room");

        await _bench.UntilQuietAsync("it is plugged in", () => Cards.Count == 1 && _bench.RowOf(One)!.Why is null);

        Assert.That(_bench.StatusOf(One), Is.EqualTo(InstanceStatus.Running));
        Assert.That(_bench.Notifications.Select(notification => notification.Type), Is.EqualTo((string[])["instance-card-failed"]));
    }

    private static Task SeesAsync(string what, Func<bool> holds) => Eventually.HoldsAsync(what, holds);
}
