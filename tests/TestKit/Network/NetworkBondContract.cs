using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using static PonyCloud.Twilight.Networks.NetworkStep;

namespace PonyCloud.TestKit.Network;

/// <summary>
/// What every network stack does with bonds and VLANs, which not every kernel has. The host has the cards <c>wire0</c> and
/// <c>wire1</c>, with a carrier once they are up.
/// </summary>
[CancelAfter(120_000)]
public abstract class NetworkBondContract
{
    protected const string Host = NetworkState.Host;
    protected const string Bond = "pcb0123456789ab";
    protected const string Vlan = "pcv01234567.064";
    protected const string HardwareAddress = "02:00:00:00:00:b0";

    private static readonly string[] Cards = ["wire0", "wire1"];

    protected INetworkStack Stack { get; private set; } = null!;

    /// <summary>A new one, with two cards that are down and nothing else.</summary>
    protected abstract Task<INetworkStack> OpenAsync();

    protected abstract Task CloseAsync();

    [SetUp]
    public async Task OpenStackAsync() => Stack = await OpenAsync();

    [TearDown]
    public Task CloseStackAsync() => CloseAsync();

    [TestCase(BondMode.ActiveBackup, LacpRate.Slow, XmitHashPolicy.Layer2)]
    [TestCase(BondMode.Lacp, LacpRate.Slow, XmitHashPolicy.Layer2And3)]
    [TestCase(BondMode.Lacp, LacpRate.Fast, XmitHashPolicy.Layer3And4)]
    public async Task A_bond_is_made_as_it_is_to_be_and_goes(BondMode mode, LacpRate rate, XmitHashPolicy policy)
    {
        await ApplyAsync(new AddLink(Host, NewBond(new BondSettings(mode, rate, policy)) with { Mtu = 1600 }));
        var bond = await LookAsync(Bond);
        await ApplyAsync(new RemoveLink(Host, Bond));

        Assert.That(
            (bond!.Kind, bond.Alias, bond.HardwareAddress, bond.Mtu, bond.IsUp, bond.IsOurs, bond.Master),
            Is.EqualTo((LinkKind.Bond, "ponycloud bond", HardwareAddress, 1600, true, true, "")));
        Assert.That((bond.Bond!.Mode, bond.Bond.LacpRate, bond.Bond.XmitHashPolicy), Is.EqualTo((mode, rate, policy)));
        Assert.That(bond.Bond.LacpPartner, Is.Null);
        Assert.That(await LookAsync(Bond), Is.Null);
    }

    [Test]
    public async Task A_card_becomes_a_port_and_is_freed_with_what_it_had()
    {
        var before = await LookAsync("wire0");
        await ApplyAsync(new AddLink(Host, NewBond() with { Mtu = 1400 }), new ChangeLink(Host, Port("wire0")));
        var port = await LookAsync("wire0");
        await ApplyAsync(new ChangeLink(Host, Port("wire0", bond: "")));
        var freed = await LookAsync("wire0");

        Assert.That(
            (port!.Master, port.IsUp, port.Mtu, port.HardwareAddress, port.PermanentAddress),
            Is.EqualTo((Bond, true, 1400, HardwareAddress, before!.HardwareAddress)));
        Assert.That((freed!.Master, freed.IsUp, freed.HardwareAddress), Is.EqualTo(("", false, before.HardwareAddress)));
    }

    [Test]
    public async Task A_card_that_is_up_becomes_no_port()
    {
        await ApplyAsync(new AddLink(Host, NewBond()), new ChangeLink(Host, Up("wire0")));

        Assert.That((await RefusalOfAsync(new ChangeLink(Host, Port("wire0")))).Message, Does.Contain("can not be enslaved while up"));
        Assert.That((await LookAsync("wire0"))!.Master, Is.Empty);
    }

    [Test]
    public async Task A_mode_is_not_changed_while_there_are_ports_nor_while_it_is_up()
    {
        var wanted = new ChangeBond(Host, Bond, BondMode.Lacp);
        await ApplyAsync(new AddLink(Host, NewBond()), new ChangeLink(Host, Port("wire0")));
        var ports = await RefusalOfAsync(wanted);
        await ApplyAsync(new ChangeLink(Host, Change() with { IsUp = false }));
        var down = await RefusalOfAsync(wanted);
        await ApplyAsync(new ChangeLink(Host, Port("wire0", bond: "")), new ChangeLink(Host, Change() with { IsUp = true }));
        var up = await RefusalOfAsync(wanted);
        await ApplyAsync(new ChangeLink(Host, Change() with { IsUp = false }), wanted);

        Assert.That(new[] { ports, down }.Select(refusal => refusal.Message), Is.All.Contains("the bond device has slaves"));
        Assert.That(up.Message, Does.Contain("up"));
        Assert.That((await LookAsync(Bond))!.Bond!.Mode, Is.EqualTo(BondMode.Lacp));
    }

    [Test]
    public async Task A_rate_is_not_changed_while_the_bond_is_up_and_a_policy_is()
    {
        var rate = new ChangeBond(Host, Bond, Mode: null, LacpRate.Fast);
        await ApplyAsync(new AddLink(Host, NewBond(Lacp())), new ChangeLink(Host, Port("wire0")));
        await ApplyAsync(new ChangeBond(Host, Bond, Mode: null, XmitHashPolicy: XmitHashPolicy.Layer3And4));
        var policy = (await LookAsync(Bond))!.Bond!.XmitHashPolicy;
        var refusal = await RefusalOfAsync(rate);
        await ApplyAsync(new ChangeLink(Host, Change() with { IsUp = false }), rate);

        Assert.That(policy, Is.EqualTo(XmitHashPolicy.Layer3And4));
        Assert.That(refusal.Message, Does.Contain("the bond is up"));
        Assert.That((await LookAsync(Bond))!.Bond!.LacpRate, Is.EqualTo(LacpRate.Fast));
    }

    [Test]
    public async Task A_vlan_is_made_on_a_bond_follows_it_and_goes_with_it()
    {
        await ApplyAsync(
            new AddLink(Host, NewBond() with { Mtu = 1600 }), new AddLink(Host, NewVlan()), new AddAddress(Host, new LinkAddress(Vlan, "192.0.2.1/24")));
        var made = await LookAsync(Vlan);
        await ApplyAsync(new ChangeLink(Host, Change() with { IsUp = false }));
        var down = await LookAsync(Vlan);
        await ApplyAsync(new ChangeLink(Host, Change() with { IsUp = true, Mtu = 1300 }));
        var back = await LookAsync(Vlan);
        await ApplyAsync(new RemoveLink(Host, Bond));

        Assert.That(
            (made!.Kind, made.Vlan, made.Alias, made.IsUp, made.IsOurs, made.Mtu),
            Is.EqualTo((LinkKind.Vlan, new VlanSettings(Bond, 100), "ponycloud vlan", true, true, 1600)));
        Assert.That((down!.IsUp, back!.IsUp, back.Mtu), Is.EqualTo((false, true, 1300)));
        Assert.That(await LookAsync(Vlan), Is.Null);
    }

    [Test]
    public async Task What_cannot_be_a_vlan_is_refused()
    {
        await ApplyAsync(new AddLink(Host, NewBond() with { IsUp = false }), new AddLink(Host, NewVlan() with { IsUp = false }));

        Assert.That(
            (await RefusalOfAsync(new AddLink(Host, NewVlan() with { Name = "pcvffffffff.064" }))).Message, Does.Contain("VLAN device already exists"));
        Assert.That((await RefusalOfAsync(new ChangeLink(Host, new Link
        {
            Name = Vlan,
            Kind = LinkKind.Vlan,
            IsUp = true,
        }))).Message, Does.Contain("Network is down"));
        Assert.That((await RefusalOfAsync(new ChangeLink(Host, new Link
        {
            Name = Vlan,
            Kind = LinkKind.Vlan,
            Mtu = 1501,
        }))).Message, Does.Contain("Numerical result out of range"));
        await RefusalOfAsync(new AddLink(Host, NewVlan() with { Name = "pcvffffffff.064", Vlan = new VlanSettings("nosuch", 7) }));
    }

    [Test]
    public async Task A_bridge_has_a_vlan_of_a_bond_for_a_port()
    {
        const string bridge = "pcs0123456789ab";
        await ApplyAsync(
            new AddLink(Host, NewBond()),
            new AddLink(Host, new Link
            {
                Name = bridge,
                Kind = LinkKind.Bridge,
                Alias = "ponycloud switch",
                HardwareAddress = "02:00:00:00:00:01",
                IsUp = true,
            }),
            new AddLink(Host, NewVlan() with { Master = bridge }));

        var vlan = (await LookAsync(Vlan))!;
        Assert.That((vlan.Master, vlan.Port, vlan.IsUp), Is.EqualTo((bridge, KernelDefaults.Port, true)));
    }

    [Test]
    public async Task Whatever_is_planned_the_stack_carries_out_from_each_configuration_to_each_other()
    {
        NetworkState[] all =
        [
            NetworkState.Empty,
            Wanted(new BondSettings(BondMode.ActiveBackup, LacpRate.Slow, XmitHashPolicy.Layer2), Cards, 100, 200),
            Wanted(Lacp(LacpRate.Fast, XmitHashPolicy.Layer3And4), Cards, 100),
            Wanted(Lacp(), ["wire1"], 200, 300),
            Wanted(new BondSettings(BondMode.ActiveBackup, LacpRate.Slow, XmitHashPolicy.Layer2), ["wire0"]),
        ];
        // From each to each other once, without going any way twice.
        foreach (var number in new[] { 0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 1, 3, 1, 4, 2, 3, 2, 4, 3, 4, 0 })
            await FulfilAsync(all[number]);

        var cleared = await LookAsync();
        Assert.That(cleared.Links.Values.Where(link => link.IsOurs), Is.Empty);
        Assert.That(Cards.Select(card => (cleared.Links[card].Master, cleared.Links[card].IsUp)), Is.All.EqualTo(("", false)));
    }

    protected static BondSettings Lacp(LacpRate rate = LacpRate.Slow, XmitHashPolicy policy = XmitHashPolicy.Layer2) => new(BondMode.Lacp, rate, policy);

    protected static Link NewBond(BondSettings? settings = null) => new()
    {
        Name = Bond,
        Kind = LinkKind.Bond,
        Alias = "ponycloud bond",
        HardwareAddress = HardwareAddress,
        IsUp = true,
        Bond = settings ?? new BondSettings(BondMode.ActiveBackup, LacpRate.Slow, XmitHashPolicy.Layer2),
    };

    protected static Link NewVlan(int tag = 100, string name = Vlan) => new()
    {
        Name = name,
        Kind = LinkKind.Vlan,
        Alias = "ponycloud vlan",
        IsUp = true,
        Vlan = new VlanSettings(Bond, tag),
    };

    protected static Link Port(string card, string bond = Bond) => new()
    {
        Name = card,
        Kind = LinkKind.Card,
        Master = bond,
    };

    protected static Link Up(string card) => new()
    {
        Name = card,
        Kind = LinkKind.Card,
        IsUp = true,
    };

    protected static Link Change() => new()
    {
        Name = Bond,
        Kind = LinkKind.Bond,
    };

    /// <summary>A bond of cards, with VLANs that have an address each.</summary>
    protected static NetworkState Wanted(BondSettings settings, string[] cards, params int[] tags) => NetworkState.Empty.With(Host, new NamespaceState
    {
        Links = NetworkState.Empty[Host].Links
            .Add(Bond, NewBond(settings))
            .AddRange(cards.Select(card => KeyValuePair.Create(card, Port(card) with { IsUp = true })))
            .AddRange(tags.Select(tag => NewVlan(tag, $"pcv01234567.{tag:x3}")).Select(vlan => KeyValuePair.Create(vlan.Name, vlan))),
        Addresses = [.. tags.Select(tag => new LinkAddress($"pcv01234567.{tag:x3}", $"10.0.{tag % 256}.1/24"))],
    });

    protected Task ApplyAsync(params NetworkStep[] steps) => Stack.ApplyAsync(steps, CancellationToken.None);

    protected async Task<NamespaceState> LookAsync() => (await Stack.ScanAsync(CancellationToken.None))[Host];

    protected async Task<Link?> LookAsync(string link) => (await LookAsync()).Links.GetValueOrDefault(link);

    protected async Task FulfilAsync(NetworkState wanted)
    {
        var plan = NetworkPlanner.Plan(await Stack.ScanAsync(CancellationToken.None), wanted);
        await Stack.ApplyAsync(plan.Steps, CancellationToken.None);
        var second = NetworkPlanner.Plan(await Stack.ScanAsync(CancellationToken.None), wanted);

        Assert.That(plan.Obstacles, Is.Empty);
        Assert.That(second.Steps.Select(step => step.ToString()), Is.Empty);
    }

    private async Task<NetworkException> RefusalOfAsync(NetworkStep step)
    {
        var refusal = await Assert.ThrowsAsync<NetworkException>(() => ApplyAsync(step));
        Assert.That(refusal!.Step, Is.EqualTo(step), refusal.Message);
        return refusal;
    }
}
