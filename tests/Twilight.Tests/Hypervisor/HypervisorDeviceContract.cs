using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>What every hypervisor does whose domains can get and lose devices while they are on.</summary>
public abstract class HypervisorDeviceContract : HypervisorRestartContract
{
    private readonly List<string> _taps = [];

    protected abstract Task AddTapAsync(string name);

    protected abstract Task RemoveTapAsync(string name);

    protected async Task RemoveTapsAsync()
    {
        foreach (var tap in _taps)
            await RemoveTapAsync(tap);
        _taps.Clear();
    }

    [TestCase(VnicModel.Virtio)]
    [TestCase(VnicModel.E1000e)]
    [TestCase(VnicModel.Rtl8139)]
    public async Task A_card_is_plugged_into_a_running_domain(VnicModel model, CancellationToken cancellationToken)
    {
        var uuid = await RunningAsync(NewDomain(), [], cancellationToken);
        var card = (await NewCardAsync(1)) with { Model = model, Mtu = 1400 };
        Assert.That(await CardsAsync(uuid, cancellationToken), Is.Empty);

        await Hypervisor.AttachDeviceAsync(uuid, CardXml.For(card).ToString(), cancellationToken);

        await EventAsync(uuid, "device added", cancellationToken);
        Assert.That(await CardsAsync(uuid, cancellationToken), Is.EqualTo([Seen(card)]));
    }

    [Test]
    public async Task Cards_of_the_definition_are_seen_while_the_domain_is_on(CancellationToken cancellationToken)
    {
        var cards = new[] { await NewCardAsync(1), (await NewCardAsync(2)) with { IsUp = false } };
        var uuid = await RunningAsync(NewDomain(), cards, cancellationToken);

        Assert.That(await CardsAsync(uuid, cancellationToken), Is.EqualTo(cards.Select(Seen)));
        await Hypervisor.DestroyAsync(uuid, cancellationToken);
        Assert.That(await CardsAsync(uuid, cancellationToken), Is.Empty);
    }

    [Test]
    public async Task A_cable_is_pulled_and_plugged_in_again(CancellationToken cancellationToken)
    {
        var card = (await NewCardAsync(1)) with { Mtu = 1400 };
        var uuid = await RunningAsync(NewDomain(), [card], cancellationToken);

        foreach (var isUp in new[] { false, true })
        {
            var seen = (await CardsAsync(uuid, cancellationToken)).Single();
            await Hypervisor.UpdateDeviceAsync(uuid, CardXml.WithLink(seen, isUp).ToString(), cancellationToken);

            Assert.That(await CardsAsync(uuid, cancellationToken), Is.EqualTo([Seen(card) with { IsUp = isUp }]));
        }
    }

    [Test]
    public async Task A_guest_lets_go_of_a_card_that_it_is_asked_for_and_can_have_it_again(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        var card = await NewCardAsync(1);
        await Hypervisor.DefineAsync(uuid, With(XmlOfObedient(uuid), [card]), cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        await BootedAsync(cancellationToken);

        await Hypervisor.DetachDeviceAsync(uuid, DeviceAlias.Of(card.Vnic), cancellationToken);

        await EventAsync(uuid, "device removed", cancellationToken);
        Assert.That(await CardsAsync(uuid, cancellationToken), Is.Empty);
        await Hypervisor.AttachDeviceAsync(uuid, CardXml.For(card).ToString(), cancellationToken);
        Assert.That(await CardsAsync(uuid, cancellationToken), Is.EqualTo([Seen(card)]));
    }

    [Test]
    public async Task A_guest_that_lets_go_of_nothing_keeps_its_card_may_be_asked_again_and_loses_its_power_at_once(
        CancellationToken cancellationToken)
    {
        var card = await NewCardAsync(1);
        var uuid = await RunningAsync(NewDomain(), [card], cancellationToken);

        for (var i = 0; i < 3; i++)
            await Hypervisor.DetachDeviceAsync(uuid, DeviceAlias.Of(card.Vnic), cancellationToken);

        Assert.That(await CardsAsync(uuid, cancellationToken), Is.EqualTo([Seen(card)]));
        await Hypervisor.DestroyAsync(uuid, cancellationToken);
        Assert.That((await FindAsync(uuid, cancellationToken))!.State, Is.EqualTo(DomainState.Off));
    }

    [Test]
    public async Task What_was_plugged_in_is_gone_with_the_next_start(CancellationToken cancellationToken)
    {
        var card = await NewCardAsync(1);
        var uuid = await RunningAsync(NewDomain(), [], cancellationToken);
        await Hypervisor.AttachDeviceAsync(uuid, CardXml.For(card).ToString(), cancellationToken);

        await Hypervisor.DestroyAsync(uuid, cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);

        Assert.That(await CardsAsync(uuid, cancellationToken), Is.Empty);
    }

    [Test]
    public async Task What_cannot_be_done_to_devices_is_refused_by_name(CancellationToken cancellationToken)
    {
        var card = await NewCardAsync(1);
        var other = await NewCardAsync(2);
        var uuid = await RunningAsync(NewDomain(), [card], cancellationToken);
        var off = NewDomain();
        await DefineAsync(off, cancellationToken);
        (HypervisorFailure Failure, Func<Task> Call)[] calls =
        [
            (HypervisorFailure.Failed, () => Hypervisor.AttachDeviceAsync(uuid, CardXml.For(card).ToString(), cancellationToken)),
            (HypervisorFailure.Failed, () => Hypervisor.AttachDeviceAsync(uuid, "<interface", cancellationToken)),
            (HypervisorFailure.NoSuchDevice, () => Hypervisor.DetachDeviceAsync(uuid, DeviceAlias.Of(other.Vnic), cancellationToken)),
            (HypervisorFailure.NoSuchDevice, () => Hypervisor.UpdateDeviceAsync(uuid, CardXml.For(other).ToString(), cancellationToken)),
            (HypervisorFailure.WrongState, () => Hypervisor.AttachDeviceAsync(off, CardXml.For(other).ToString(), cancellationToken)),
            (HypervisorFailure.WrongState, () => Hypervisor.DetachDeviceAsync(off, DeviceAlias.Of(card.Vnic), cancellationToken)),
            (HypervisorFailure.WrongState, () => Hypervisor.UpdateDeviceAsync(off, CardXml.For(card).ToString(), cancellationToken)),
            (HypervisorFailure.NoSuchDomain, () => Hypervisor.AttachDeviceAsync(Guid.NewGuid(), CardXml.For(other).ToString(), cancellationToken)),
        ];

        foreach (var (failure, call) in calls)
        {
            var refusal = await RefusalOfAsync(call);
            Assert.That(refusal.Failure, Is.EqualTo(failure), $"{refusal.Code}: {refusal.Message}");
        }
        Assert.That(await CardsAsync(uuid, cancellationToken), Is.EqualTo([Seen(card)]));
    }

    protected static ObservedInterface Seen(InstanceCard card) => new()
    {
        Vnic = card.Vnic,
        Target = LinkNames.Tap(card.Vnic),
        HardwareAddress = card.HardwareAddress,
        Model = CardXml.NameOf(card.Model),
        IsUp = card.IsUp,
        Mtu = card.Mtu,
    };

    protected static string With(string domainXml, IEnumerable<InstanceCard> cards) =>
        domainXml.Replace("</devices>", $"{string.Concat(cards.Select(card => CardXml.For(card)))}</devices>", StringComparison.Ordinal);

    protected async Task<InstanceCard> NewCardAsync(int index)
    {
        var vnic = Guid.NewGuid();
        await AddTapAsync(LinkNames.Tap(vnic));
        _taps.Add(LinkNames.Tap(vnic));
        return new InstanceCard
        {
            Vnic = vnic, Index = index, HardwareAddress = $"52:54:00:00:00:{index:x2}", Model = VnicModel.Virtio, IsUp = true,
        };
    }

    protected async Task<Guid> RunningAsync(Guid uuid, IEnumerable<InstanceCard> cards, CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        await Hypervisor.DefineAsync(uuid, With(XmlOf(uuid, NameOf(uuid), 32), cards), cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        return uuid;
    }

    protected async Task<IReadOnlyList<ObservedInterface>> CardsAsync(Guid uuid, CancellationToken cancellationToken) =>
        (await FindAsync(uuid, cancellationToken))!.Interfaces;
}
