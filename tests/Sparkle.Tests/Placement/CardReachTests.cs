using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Tests.Storage;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Placement;

/// <summary>An instance goes where its network cards can be carried.</summary>
[TestFixture]
public sealed class CardReachTests
{
    private static readonly SwitchDesired On = new() { Uuid = StorageInMemory.Number(0x5001), Name = "s" };
    private static readonly NetworkDesired Network = new() { Uuid = StorageInMemory.Number(0x5002), Switch = On.Uuid, Range = "192.0.2.0/24", Gateway = "192.0.2.1" };

    private SimulatedPlatform _platform = null!;
    private Guid _tenant;
    private int _numbers;

    [SetUp]
    public void Start()
    {
        _platform = new SimulatedPlatform();
        _numbers = 0x6000;
        _tenant = _platform.AddTenant();
        _platform.CommitAll(On, Network);
    }

    [Test]
    public void An_instance_with_a_card_goes_to_a_host_with_a_role_virtual()
    {
        var roomy = _platform.AddHost(memory: 65536);
        var carrying = _platform.AddHost(memory: 2048);
        Describe(carrying, NetRole.Virtual);
        Describe(roomy, NetRole.Public, NetRole.Management);
        var plugged = Order(cards: 1);
        var without = Order(cards: 0);
        _platform.Run();
        Assert.That((HostOf(plugged), HostOf(without)), Is.EqualTo(((Guid?)carrying.Uuid, (Guid?)roomy.Uuid)));
    }

    [Test]
    public void While_no_host_is_described_every_one_will_do()
    {
        var host = _platform.AddHost();
        var instance = Order(cards: 1);
        _platform.Run();
        Assert.That(HostOf(instance), Is.EqualTo(host.Uuid));
    }

    [Test]
    public void An_instance_waits_for_a_host_that_can_carry_its_cards_and_says_so()
    {
        var roomy = _platform.AddHost(memory: 65536);
        Describe(_platform.AddHost(memory: 300), NetRole.Virtual);
        var instance = Order(cards: 1);
        _platform.Run();
        Assert.That(_platform.InstanceCurrent(instance)!.Why, Is.EqualTo("No host that can carry its network cards has room for 128 MiB of memory."));

        Describe(roomy, NetRole.Virtual);
        _platform.Run();
        Assert.That(HostOf(instance), Is.EqualTo(roomy.Uuid));
    }

    [Test]
    public void With_a_routed_network_hosts_that_lead_outside_come_first_and_others_will_do()
    {
        var roomy = _platform.AddHost(memory: 65536);
        var outside = _platform.AddHost(memory: 400);
        Describe(roomy, NetRole.Virtual);
        Describe(outside, NetRole.Virtual, NetRole.Public);
        var inside = Order(cards: 1);
        _platform.Run();
        _platform.Commit(Network with { Routed = true });
        var first = Order(cards: 2);
        _platform.Run();
        var second = Order(cards: 1);
        _platform.Run();
        Assert.That(
            new[] { inside, first, second }.Select(HostOf), Is.EqualTo(new Guid?[] { roomy.Uuid, outside.Uuid, roomy.Uuid }), "the third has no room outside");
    }

    private Guid Order(int cards)
    {
        var instance = new InstanceDesired { Uuid = Next(), Tenant = _tenant, Name = "i", State = InstanceState.Running, Mem = 128 };
        _platform.CommitAll([
            instance,
            .. Enumerable.Range(0, cards).Select(i => new VnicDesired { Uuid = Next(), Instance = instance.Uuid, Switch = On.Uuid, Index = i }),
        ]);
        return instance.Uuid;
    }

    private void Describe(SimulatedHost host, params NetRole[] roles)
    {
        var bond = new BondDesired { Uuid = Next(), Host = host.Uuid };
        _platform.CommitAll([bond, .. roles.Select(role => new NetRoleDesired { Uuid = Next(), Bond = bond.Uuid, Role = role })]);
    }

    private Guid? HostOf(Guid instance) => _platform.State[SimulatedPlatform.Catalog["host_instance"]].Where("instance", instance.ToString())
        .Select(place => place.Desired).OfType<HostInstanceDesired>().SingleOrDefault()?.Host;

    private Guid Next() => StorageInMemory.Number(_numbers++);
}
