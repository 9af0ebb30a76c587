using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Machine.Network;

/// <summary>What the stack of a host makes of its network cards, and sees of them.</summary>
[CancelAfter(120_000)]
public sealed class BondedCardsTests
{
    private const string Host = NetworkState.Host;
    private const string Trunk = "pcb0123456789ab";
    private const string NeighbourHardware = "02:00:00:00:09:02";

    private readonly ToolRunner _tools = new(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance);
    private IpNetworkStack _stack = null!;
    private Cabling _cabling = null!;

    [SetUp]
    public async Task SetUp()
    {
        _stack = new IpNetworkStack(_tools, _tools, TimeProvider.System, NullLogger<IpNetworkStack>.Instance);
        _cabling = await Cabling.LayAsync(CableKind.Card);
    }

    [TearDown]
    public async Task TakeDown()
    {
        await FulfilAsync(NetworkState.Empty);
        await _stack.DisposeAsync();
        await _cabling.DisposeAsync();
    }

    [Test]
    public async Task A_partner_and_the_cards_that_carry_traffic_are_seen_and_a_cable_that_is_pulled_is_a_reason_to_look(
        CancellationToken cancellationToken)
    {
        await using var theirs = await Bond.MakeAsync(
            _cabling.Neighbour, "mode 802.3ad miimon 100 lacp_rate fast", NeighbourHardware, "10.9.0.2/24", _cabling.There);
        await FulfilAsync(Bonded(new BondSettings(BondMode.Lacp, LacpRate.Fast, XmitHashPolicy.Layer3And4)));

        var both = await SeesAsync(cards => cards.Count == 2);
        while (_stack.Events.TryRead(out _))
            continue;
        await _cabling.PlugAsync(0, plugged: false);
        await _stack.Events.ReadAsync(cancellationToken);
        var one = await SeesAsync(cards => cards.Count == 1);

        Assert.That(both.Links[Trunk].Bond!.ActiveSlaves, Is.EqualTo(TextList.Of([.. _cabling.Here.Order(StringComparer.Ordinal)])));
        Assert.That(both.Links[Trunk].Bond!.LacpPartner, Is.EqualTo(NeighbourHardware));
        Assert.That(one.Links[Trunk].Bond!.ActiveSlaves, Is.EqualTo(TextList.Of([_cabling.Here[1]])));
        Assert.That((one.Links[Trunk].HasCarrier, one.Links[_cabling.Here[0]].HasCarrier), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task A_card_is_one_by_its_own_address_whatever_address_its_bond_gave_it()
    {
        await FulfilAsync(Bonded(new BondSettings(BondMode.ActiveBackup, LacpRate.Slow, XmitHashPolicy.Layer2)));
        var here = await SeesAsync(cards => cards.Count == 1);

        var cards = _cabling.Here.Select(card => here.Links[card]).ToList();
        Assert.That(cards.Select(card => card.Kind), Is.All.EqualTo(LinkKind.Card));
        Assert.That(cards.Select(card => card.HardwareAddress), Is.All.EqualTo(here.Links[Trunk].HardwareAddress));
        Assert.That(
            cards.Select(card => card.PermanentAddress), Is.EqualTo(new[] { MachineCards.AddressOf(0, 0), MachineCards.AddressOf(1, 0) }));
    }

    private NetworkState Bonded(BondSettings settings) => NetworkState.Empty.With(Host, new NamespaceState
    {
        Links = NetworkState.Empty[Host].Links
            .Add(Trunk, new Link
            {
                Name = Trunk,
                Kind = LinkKind.Bond,
                Alias = "ponycloud bond",
                IsUp = true,
                Bond = settings,
            })
            .AddRange(_cabling.Here.Select(card => KeyValuePair.Create(card, new Link
            {
                Name = card,
                Kind = LinkKind.Card,
                IsUp = true,
                Master = Trunk,
            }))),
    });

    private async Task FulfilAsync(NetworkState wanted)
    {
        var plan = NetworkPlanner.Plan(await _stack.ScanAsync(CancellationToken.None), wanted);
        await _stack.ApplyAsync(plan.Steps, CancellationToken.None);
        Assert.That(plan.Obstacles, Is.Empty);
    }

    /// <summary>Waits until the cards of the bond that carry traffic are like that.</summary>
    private Task<NamespaceState> SeesAsync(Func<TextList, bool> holds) => Eventually.SeesAsync(
        "the cards that carry traffic",
        async cancellationToken => (await _stack.ScanAsync(cancellationToken))[Host],
        here => here.Links.TryGetValue(Trunk, out var bond) && holds(bond.Bond?.ActiveSlaves ?? TextList.Of([])));
}
