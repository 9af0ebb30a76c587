using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Networks;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Networks;

[TestFixture]
public sealed class SwitchPortTests
{
    private static readonly Guid Here = NetworksInMemory.Number(1);
    private static readonly Guid There = NetworksInMemory.Number(2);
    private static readonly Guid On = NetworksInMemory.Number(30);
    private static readonly Guid Outside = NetworksInMemory.Number(31);
    private static readonly InstanceDesired Instance = new() { Uuid = NetworksInMemory.Number(10), Name = "web", Mem = 64 };
    private static readonly VnicDesired Card = new() { Uuid = NetworksInMemory.Number(20), Instance = Instance.Uuid, Switch = On, Macaddr = "06:00:00:00:00:01" };

    private NetworksInMemory _networks = null!;

    [SetUp]
    public void Start()
    {
        _networks = new NetworksInMemory();
        _networks.Put(Instance, Card, Place(Here));
    }

    [Test]
    public void A_port_says_all_that_other_hosts_need()
    {
        var group = NetworksInMemory.Number(60);
        _networks.Put(
            Network(40, On), Address(51, 40, "198.51.100.9"), Address(52, 40, "198.51.100.10"), Bond(80, Here), Role(90, 80, "192.0.2.1"),
            new VnicSecurityGroupDesired { Uuid = NetworksInMemory.Number(70), Vnic = Card.Uuid, SecurityGroup = group });

        Assert.That(_networks.Port(Card.Uuid), Is.EqualTo(new SwitchPortDesired
        {
            Vnic = Card.Uuid,
            Switch = On,
            Host = Here,
            Endpoint = "192.0.2.1",
            Macaddr = "06:00:00:00:00:01",
            Addresses = TextList.Of(["198.51.100.10", "198.51.100.9"]),
            Name = "web",
            SecurityGroups = TextList.Of([group.ToString()]),
        }));
    }

    [Test]
    public void There_is_none_without_a_place_without_a_hardware_address_and_of_templates()
    {
        _networks.Put(Card with { Macaddr = null });
        Assert.That(_networks.Port(Card.Uuid), Is.Null);
        _networks.Put(Card);
        Assert.That(_networks.Port(Card.Uuid), Is.Not.Null);
        _networks.Put(Instance with { Template = true });
        Assert.That(_networks.Port(Card.Uuid), Is.Null);
        _networks.Put(Instance);
        Assert.That(_networks.Port(Card.Uuid), Is.Not.Null);
        _networks.Report(Says(Here, InstanceStatus.Running));
        _networks.Commit([NetworksInMemory.Gone("host_instance", Here.ToString(), Instance.Uuid.ToString())]);
        Assert.That(_networks.Port(Card.Uuid), Is.Null, "where it is found is no place");
    }

    [Test]
    public void While_an_instance_migrates_the_port_stays_until_the_other_host_alone_runs_it()
    {
        _networks.Report(Says(Here, InstanceStatus.Running));
        _networks.Put(Place(There));
        Assert.That(Host(), Is.EqualTo(Here), "ordered");
        _networks.Report(Says(There, InstanceStatus.Paused));
        Assert.That(Host(), Is.EqualTo(Here), "its memory is on the way");
        _networks.Report(Says(There, InstanceStatus.Running));
        Assert.That(Host(), Is.EqualTo(Here), "both");
        _networks.Report(Says(Here, InstanceStatus.Paused));
        Assert.That(Host(), Is.EqualTo(There), "the old one stands still");
        _networks.Commit([NetworksInMemory.Gone("host_instance", Here.ToString(), Instance.Uuid.ToString())]);
        _networks.Report([NetworksInMemory.Set(Says(Here, InstanceStatus.Stopped)) with { Value = null }]);
        Assert.That(Host(), Is.EqualTo(There));
    }

    [Test]
    public void A_migration_that_is_given_up_moves_nothing()
    {
        _networks.Report(Says(Here, InstanceStatus.Running));
        _networks.Put(Place(There));
        _networks.Report(Says(There, InstanceStatus.Paused));
        _networks.Commit([NetworksInMemory.Gone("host_instance", There.ToString(), Instance.Uuid.ToString())]);
        _networks.Report([NetworksInMemory.Set(Says(There, InstanceStatus.Stopped)) with { Value = null }]);
        Assert.That(Host(), Is.EqualTo(Here));
    }

    [Test]
    public void The_endpoint_is_the_lowest_virtual_role_with_an_address()
    {
        _networks.Put(Bond(80, Here), Bond(81, Here), Role(91, 80, null), Role(92, 80, "192.0.2.92", NetRole.Public));
        Assert.That(_networks.Port(Card.Uuid)!.Endpoint, Is.Null);
        _networks.Put(Role(94, 80, "192.0.2.94"));
        Assert.That(_networks.Port(Card.Uuid)!.Endpoint, Is.EqualTo("192.0.2.94"));
        _networks.Put(Role(93, 81, "192.0.2.93"));
        Assert.That(_networks.Port(Card.Uuid)!.Endpoint, Is.EqualTo("192.0.2.93"));
        _networks.Put(Role(91, 80, "192.0.2.91"));
        Assert.That(_networks.Port(Card.Uuid)!.Endpoint, Is.EqualTo("192.0.2.91"));
        _networks.Commit([NetworksInMemory.Gone("bond", NetworksInMemory.Number(80).ToString())]);
        Assert.That(_networks.Port(Card.Uuid)!.Endpoint, Is.EqualTo("192.0.2.93"));
    }

    [Test]
    public void A_floating_address_is_told_to_no_other_host_but_on_its_own_switch_it_is_like_any_other()
    {
        _networks.Put(Network(41, Outside) with { Floating = true }, Address(51, 41, "203.0.113.9"));
        Assert.That(_networks.Port(Card.Uuid)!.Addresses, Is.Empty);
        _networks.Put(Card with { Switch = Outside });
        Assert.That(_networks.Port(Card.Uuid)!.Addresses, Is.EqualTo(["203.0.113.9"]));
    }

    [Test]
    public void A_reload_of_the_database_leaves_ports_alone()
    {
        var derived = _networks.Ports.Derived;
        var port = _networks.Port(Card.Uuid);
        _networks.Reload();
        Assert.That(_networks.Port(Card.Uuid), Is.SameAs(port));
        Assert.That(_networks.Ports.Derived, Is.EqualTo(derived));
    }

    [Test]
    public void Of_a_hundred_thousand_ports_a_change_derives_those_that_it_concerns()
    {
        const int Instances = 50_000;
        const int Hosts = 200;
        _networks.Put([
            .. Enumerable.Range(0, Instances).Select(i => new InstanceDesired { Uuid = Big(1, i), Name = $"i{i}", Mem = 64 }),
            .. Enumerable.Range(0, Instances).Select(i => new HostInstanceDesired { Host = Big(2, i % Hosts), Instance = Big(1, i) }),
            .. Enumerable.Range(0, 2 * Instances).Select(i => new VnicDesired
            {
                Uuid = Big(3, i),
                Instance = Big(1, i / 2),
                Switch = On,
                Macaddr = $"06:00:{i >> 24 & 255:x2}:{i >> 16 & 255:x2}:{i >> 8 & 255:x2}:{i & 255:x2}",
            }),
            .. Enumerable.Range(0, Hosts).Select(i => new BondDesired { Uuid = Big(4, i), Host = Big(2, i) }),
            Network(40, On), Network(42, Outside),
        ]);
        Assert.That(_networks.All<SwitchPortDesired>().Count(), Is.EqualTo(2 * Instances + 1));

        var work = new List<long>();
        Measure(() => _networks.Put(Address(51, 40, "198.51.100.9") with { Vnic = Big(3, 7) }));
        Measure(() => _networks.Put(Address(51, 40, "198.51.100.9") with { Vnic = Big(3, 8) }));
        Measure(() => _networks.Report(new HostInstanceCurrent { Host = Big(2, 0), Instance = Big(1, 0), Status = InstanceStatus.Running }));
        Measure(() => _networks.Report(new HostInstanceCurrent { Host = Big(2, 0), Instance = Big(1, 0), Status = InstanceStatus.Running, Mem = 64 }));
        Measure(() => _networks.Put(new InstanceDesired { Uuid = Big(1, 0), Name = "i0", Mem = 128 }));
        Measure(() => _networks.Put(new InstanceDesired { Uuid = Big(1, 0), Name = "other", Mem = 128 }));
        Measure(() => _networks.Put(new NetRoleDesired { Uuid = Big(5, 0), Bond = Big(4, 0), Role = NetRole.Virtual, Address = "192.0.2.1", Prefix = 24 }));
        Measure(() => _networks.Put(new NetRoleDesired { Uuid = Big(5, 1), Bond = Big(4, 0), Role = NetRole.Virtual, Address = "192.0.2.2", Prefix = 24 }));
        Measure(() => _networks.Put(Network(40, On) with { Dhcp = true }));
        Assert.That(work, Is.EqualTo([1, 2, 2, 0, 0, 2, 2 * Instances / Hosts, 0, 0]));

        void Measure(Action change)
        {
            var before = _networks.Ports.Derived;
            change();
            work.Add(_networks.Ports.Derived - before);
        }
    }

    [Test]
    public void Two_hundred_hosts_of_one_switch_are_each_sent_one_row_for_one_port_more_and_others_none()
    {
        const int Hosts = 200;
        var platform = new SimulatedPlatform(() => [new SwitchPorts(new NetworkRows(SimulatedPlatform.Catalog))]);
        var hosts = Enumerable.Range(0, Hosts + 1).Select(_ => platform.AddHost()).ToList();
        platform.Run();
        platform.CommitAll([
            new SwitchDesired { Uuid = On, Name = "s" }, new SwitchDesired { Uuid = Outside, Name = "other" },
            .. hosts.SelectMany((host, i) => Plugged(host.Uuid, i, i < Hosts ? On : Outside)),
        ]);
        platform.Run();
        Assert.That(hosts.Select(host => host.DesiredRows("switch_port").Count()), Is.EqualTo(Enumerable.Repeat(Hosts, Hosts).Append(1)));

        var sizes = hosts.Select(host => host.Heard.Count).ToList();
        var more = Plugged(hosts[0].Uuid, 1000, On).OfType<VnicDesired>().Single() with { Instance = Big(1, 0) };
        platform.CommitAll(more);
        platform.Run(TimeSpan.FromSeconds(1));

        var told = hosts.Select((host, i) => host.Heard.Skip(sizes[i]).SelectMany(RowsOf).ToList()).ToList();
        Assert.That(told[0].Select(row => row.Entity.Name), Is.EquivalentTo(["vnic", "switch_port"]), "the host of the card");
        foreach (var rows in told.GetRange(1, Hosts - 1))
            Assert.That(rows.Select(row => (row.Entity.Name, row.Key)), Is.EqualTo([("switch_port", RowKey.Of(more.Uuid))]));
        Assert.That(told[Hosts], Is.Empty, "a host without the switch");
    }

    [Test]
    public void Hosts_that_were_told_while_nobody_heard_or_came_later_know_every_port_in_the_end()
    {
        var platform = new SimulatedPlatform(() => [new SwitchPorts(new NetworkRows(SimulatedPlatform.Catalog))]);
        var hosts = Enumerable.Range(0, 3).Select(_ => platform.AddHost()).ToList();
        platform.CommitAll([new SwitchDesired { Uuid = On, Name = "s" }, .. hosts.SelectMany((host, i) => Plugged(host.Uuid, i, On))]);
        platform.Run();

        hosts[2].IsReachable = false;
        platform.CommitAll(Plugged(hosts[0].Uuid, 10, On));
        platform.Delete("vnic", Big(3, 1).ToString());
        platform.Run(TimeSpan.FromSeconds(5));
        hosts[2].IsReachable = true;
        platform.CommitAll(Plugged(hosts[1].Uuid, 11, On));
        hosts.Add(platform.AddHost());
        platform.CommitAll(Plugged(hosts[3].Uuid, 12, On));
        platform.CommitAll(new VnicDesired { Uuid = Big(3, 0), Instance = Big(1, 0), Switch = On, Macaddr = "06:00:00:00:ff:ff" });
        platform.Run(TimeSpan.FromMinutes(2));

        var ports = platform.State[SimulatedPlatform.Catalog["switch_port"]].Rows.Select(row => row.Desired).ToList();
        Assert.That(ports, Has.Count.EqualTo(5));
        foreach (var host in hosts)
            Assert.That(host.DesiredRows("switch_port").Select(row => row.Desired), Is.EquivalentTo(ports));
        Assert.That(platform.Events.Select(told => told.Type), Does.Not.Contain("replica-diverged"));
    }

    private static IEnumerable<Shared.State.RowChange> RowsOf(Shared.Messaging.Message message) =>
        message is Shared.Messaging.Message.SparkleUpdate(var update) ? update.Changes : [];

    private static object[] Plugged(Guid host, int number, Guid on) =>
    [
        new InstanceDesired { Uuid = Big(1, number), Name = $"i{number}", Mem = 64 },
        new HostInstanceDesired { Host = host, Instance = Big(1, number) },
        new VnicDesired { Uuid = Big(3, number), Instance = Big(1, number), Switch = on, Macaddr = $"06:00:00:00:{number >> 8:x2}:{number & 255:x2}" },
    ];

    private static Guid Big(short kind, int number) => new(number, kind, 1, new byte[8]);

    private Guid? Host() => _networks.Port(Card.Uuid)?.Host;

    private static HostInstanceDesired Place(Guid host) => new() { Host = host, Instance = Instance.Uuid };

    private static HostInstanceCurrent Says(Guid host, InstanceStatus status) => new() { Host = host, Instance = Instance.Uuid, Status = status };

    private static NetworkDesired Network(int number, Guid on) => new() { Uuid = NetworksInMemory.Number(number), Switch = on, Range = "198.51.100.0/24" };

    private static AddressDesired Address(int number, int network, string ip) => new()
    {
        Uuid = NetworksInMemory.Number(number),
        Network = NetworksInMemory.Number(network),
        Vnic = Card.Uuid,
        Ip = ip,
    };

    private static BondDesired Bond(int number, Guid host) => new() { Uuid = NetworksInMemory.Number(number), Host = host };

    private static NetRoleDesired Role(int number, int bond, string? address, NetRole role = NetRole.Virtual) => new()
    {
        Uuid = NetworksInMemory.Number(number),
        Bond = NetworksInMemory.Number(bond),
        Role = role,
        Address = address,
        Prefix = address is null ? null : 24,
    };
}
