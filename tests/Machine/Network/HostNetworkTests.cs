using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Machine.Network;

/// <summary>The network of a host as it is ordered: two cards, their bond, and a role on a VLAN of it.</summary>
[CancelAfter(180_000)]
public sealed class HostNetworkTests
{
    private static readonly Guid Host = Guid.NewGuid();
    private static readonly Guid BondUuid = Guid.NewGuid();
    private readonly ToolRunner _tools = new(Host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
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
        await FulfilAsync(HostOrders.None);
        await _stack.DisposeAsync();
        await _cabling.DisposeAsync();
    }

    // Of an aggregate, the neighbour sends into the dead cable until three of its partner's messages, one a second, did not come.
    [TestCase(BondMode.ActiveBackup, 30)]
    [TestCase(BondMode.Lacp, 500)]
    public async Task Traffic_on_a_VLAN_of_a_bond_survives_the_loss_of_each_card(BondMode mode, int lostMax)
    {
        await Ip.RunAsync(_cabling.Neighbour, Neighbour(mode));
        await FulfilAsync(Orders(mode));
        await using var traffic = await Traffic.StartAsync(_cabling.Neighbour, IPAddress.Parse("10.100.0.2"));
        var bond = LinkNames.Bond(BondUuid);
        Assert.That((string?)(await Ip.ShowAsync(bond))["address"], Is.EqualTo(_cabling.Address), "the first card's, and not udev's");

        for (var number = 0; number < _cabling.Here.Length; number++)
        {
            await WorkAsync(mode);
            var before = await traffic.FlowsAsync();
            await _cabling.PlugAsync(number, plugged: false);
            await Ip.SeesAsync(
                "the card to be given up", _cabling.Here[number], card => (string?)Bond.PartInfo(card)?["mii_status"] == "DOWN");
            var after = await traffic.FlowsAsync();
            var lost = traffic.Lost(before, after);

            await TestContext.Out.WriteLineAsync($"{lost} of {after - before} packets were lost with {_cabling.Here[number]}");
            Assert.That(lost, Is.LessThanOrEqualTo(lostMax));
            await _cabling.PlugAsync(number, plugged: true);
        }
    }

    /// <summary>Waits until either card carries traffic, or could.</summary>
    private async Task WorkAsync(BondMode mode)
    {
        foreach (var card in _cabling.Here)
        {
            await Ip.SeesAsync(
                "the card to work", card, link => (string?)Bond.PartInfo(link)?["mii_status"] == "UP" && (mode != BondMode.Lacp || Bond.Distributes(link)));
        }
    }

    private IEnumerable<string> Neighbour(BondMode mode) =>
    [
        mode == BondMode.Lacp ? "link add dev trunk type bond mode 802.3ad miimon 100 lacp_rate fast" : "link add dev trunk type bridge",
        .. _cabling.There.SelectMany(end => new[] { $"link set dev {end} down", $"link set dev {end} master trunk", $"link set dev {end} up" }),
        "link set dev trunk up",
        "link add link trunk name vlan100 type vlan id 100",
        "link set dev vlan100 up",
        "address add 10.100.0.2/24 dev vlan100",
    ];

    private static HostOrders Orders(BondMode mode) => new(
        new([.. Enumerable.Range(0, 2).Select(pair => new NicDesired
        {
            Hwaddr = MachineCards.AddressOf(pair, 0),
            Host = Host,
            Bond = BondUuid,
        })]),
        new(
        [
            new BondDesired
            {
                Uuid = BondUuid,
                Host = Host,
                Mode = mode,
                LacpRate = LacpRate.Fast,
                XmitHashPolicy = XmitHashPolicy.Layer3And4,
            },
        ]),
        new(
        [
            new NetRoleDesired
            {
                Uuid = Guid.NewGuid(),
                Bond = BondUuid,
                VlanId = 100,
                Role = NetRole.Storage,
                Address = "10.100.0.1",
                Prefix = 24,
            },
        ]));

    private async Task FulfilAsync(HostOrders orders)
    {
        Assert.That((await PlanAsync(orders)).Obstacles, Is.Empty);
        await _stack.ApplyAsync((await PlanAsync(orders)).Steps, CancellationToken.None);
        Assert.That((await PlanAsync(orders)).Steps.Select(step => step.ToString()), Is.Empty, "what is left to do");
    }

    private async Task<NetworkPlan> PlanAsync(HostOrders orders)
    {
        var actual = await _stack.ScanAsync(CancellationToken.None);
        var layout = HostLayout.Of(orders, actual[NetworkState.Host], BootedNetwork.None);
        return NetworkPlanner.Plan(actual, NetworkState.Empty.With(NetworkState.Host, layout.Wanted));
    }
}
