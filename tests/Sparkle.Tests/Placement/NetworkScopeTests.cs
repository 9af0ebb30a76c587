using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Placement;

namespace PonyCloud.Sparkle.Tests.Placement;

/// <summary>
/// Which rows of networks a host is sent, beside a model that says it in sentences: whatever comes, goes and moves, and
/// whatever refers to nothing meanwhile.
/// </summary>
[TestFixture]
public sealed class NetworkScopeTests
{
    private const int Steps = 60;
    private const int CheckEvery = 10;

    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly ScopeResolver Scopes = new(Catalog);

    [Test]
    public void A_host_is_sent_what_its_cards_and_instances_need_and_nothing_else([Range(1, 40)] int seed)
    {
        var world = new World(new Random(seed));
        for (var step = 1; step <= Steps; step++)
        {
            world.Change();
            if (step % CheckEvery == 0)
                Check(world);
        }
    }

    [Test]
    public void The_model_sends_rows_of_every_entity_of_networks()
    {
        var sent = Enumerable.Range(1, 40).SelectMany(seed =>
        {
            var world = new World(new Random(seed));
            for (var step = 0; step < Steps; step++)
                world.Change();
            return world.Hosts.SelectMany(world.NeededBy);
        });
        Assert.That(
            sent.Select(row => row.Entity).Distinct(),
            Is.SupersetOf(["address", "bond", "net_role", "network", "nic", "route", "security_group", "security_rule", "switch", "switch_port", "vnic", "vnic_security_group"]));
    }

    [Test]
    public void Ports_and_rules_are_leaves_and_what_brings_others_along_is_none() => Assert.That(
        Catalog.All.Where(Scopes.IsLeaf).Select(entity => entity.Name), Is.EqualTo(["disk", "net_role", "route", "security_rule", "switch_port"]));

    private static void Check(World world)
    {
        var state = world.Store.Snapshot;
        var needed = world.Hosts.ToDictionary(host => host.ToString(), host => world.NeededBy(host).ToHashSet());
        using (Assert.EnterMultipleScope())
        {
            foreach (var (host, rows) in needed)
                Assert.That(Scopes.RowsOf(state, host).Keys.Select(row => (row.Entity.Name, row.Key)), Is.EquivalentTo(rows));
            var (some, seen) = (new HashSet<string>(), new HashSet<(Entity, RowKey)>());
            foreach (var port in state[Catalog["switch_port"]].Rows)
                Scopes.AddHostsOf(state, Catalog["switch_port"], port, some, seen);
            Assert.That(some, Is.EquivalentTo(needed.Where(host => host.Value.Any(row => row.Entity == "switch_port")).Select(host => host.Key)), "of many rows");
            foreach (var (entity, row) in state.Tables.SelectMany(table => table.Rows.Select(row => (table.Entity, row))))
            {
                var found = new HashSet<string>();
                Scopes.AddHostsOf(state, entity, row, found);
                var expected = needed.Where(host => host.Value.Contains((entity.Name, row.Key))).Select(host => host.Key);
                Assert.That(found, Is.EquivalentTo(expected), $"{entity} {row.Key}");
                if (row.Desired is null || !Scopes.IsLeaf(entity))
                    continue;
                var withStem = Scopes.StemOf(entity, row.Desired) is var (stem, key) ? needed.Where(host => host.Value.Contains((stem.Name, key))) : [];
                Assert.That(withStem.Select(host => host.Key), Is.EquivalentTo(expected), $"{entity} {row.Key} is where its stem is");
            }
        }
    }

    private sealed class World
    {
        private static readonly Dictionary<Type, Entity> Entities = Catalog.All
            .Where(entity => entity.Desired is not null).ToDictionary(entity => entity.Desired!.Type);

        private readonly Random _random;
        private readonly Dictionary<(string Entity, RowKey Key), object> _rows = [];

        public World(Random random)
        {
            _random = random;
            Hosts = [.. Enumerable.Range(0, 4).Select(_ => NewUuid())];
            foreach (var host in Hosts)
                Put(new HostDesired { Uuid = host, Name = "h" });
        }

        public StateStore Store { get; } = new(Catalog);

        public IReadOnlyList<Guid> Hosts { get; }

        public void Change()
        {
            switch (_random.Next(14))
            {
                case 0 or 1:
                    var instance = NewUuid();
                    Put(new InstanceDesired { Uuid = instance, Name = "i", Mem = 64 });
                    Put(new HostInstanceDesired { Host = AnyHost(), Instance = instance });
                    break;
                case 2 or 3:
                    Put(new VnicDesired { Uuid = NewUuid(), Instance = Any<InstanceDesired>(row => row.Uuid), Switch = Any<SwitchDesired>(row => row.Uuid) });
                    break;
                case 4:
                    Put(new SwitchDesired { Uuid = NewUuid(), Name = "s" });
                    break;
                case 5:
                    Put(new NetworkDesired { Uuid = NewUuid(), Switch = Any<SwitchDesired>(row => row.Uuid), Range = "192.0.2.0/24" });
                    break;
                case 6:
                    Put(new RouteDesired { Uuid = NewUuid(), Network = Any<NetworkDesired>(row => row.Uuid), Route = "10.0.0.0/8", Via = "192.0.2.1" });
                    break;
                case 7:
                    Put(new AddressDesired
                    {
                        Uuid = NewUuid(),
                        Network = Any<NetworkDesired>(row => row.Uuid),
                        Vnic = _random.Next(3) == 0 ? null : Any<VnicDesired>(row => row.Uuid),
                    });
                    break;
                case 8:
                    AddLinks();
                    break;
                case 9:
                    Move();
                    break;
                case 10:
                    // Where it is found is no reason to send it there.
                    Report(new HostInstanceCurrent { Host = AnyHost(), Instance = Any<InstanceDesired>(row => row.Uuid), Status = InstanceStatus.Running });
                    break;
                case 11:
                    AddGroup();
                    break;
                case 12:
                    Put(new SwitchPortDesired
                    {
                        Vnic = Any<VnicDesired>(row => row.Uuid),
                        Switch = Any<SwitchDesired>(row => row.Uuid),
                        Host = AnyHost(),
                        Macaddr = "06:00:00:00:00:01",
                        Name = "i",
                    });
                    break;
                default:
                    var (entity, key) = Pick(_rows.Keys.ToList());
                    _rows.Remove((entity, key));
                    Store.Apply([RowChange.Remove(Catalog[entity], RowPart.Desired, key)]);
                    break;
            }
        }

        /// <summary>The model.</summary>
        public IEnumerable<(string Entity, RowKey Key)> NeededBy(Guid host)
        {
            var places = All<HostInstanceDesired>().Where(place => place.Host == host).ToList();
            var instances = All<InstanceDesired>().Where(instance => places.Any(place => place.Instance == instance.Uuid)).ToList();
            var vnics = All<VnicDesired>().Where(vnic => instances.Any(instance => instance.Uuid == vnic.Instance)).ToList();
            var switches = All<SwitchDesired>().Where(one => vnics.Any(vnic => vnic.Switch == one.Uuid)).ToList();
            var addresses = All<AddressDesired>().Where(address => vnics.Any(vnic => vnic.Uuid == address.Vnic)).ToList();
            // An address of a network elsewhere is a floating one.
            var networks = All<NetworkDesired>()
                .Where(network => switches.Any(one => one.Uuid == network.Switch) || addresses.Any(address => address.Network == network.Uuid)).ToList();
            var routes = All<RouteDesired>().Where(route => networks.Any(network => network.Uuid == route.Network));
            var ports = All<SwitchPortDesired>().Where(port => switches.Any(one => one.Uuid == port.Switch));
            var memberships = All<VnicSecurityGroupDesired>().Where(member => vnics.Any(vnic => vnic.Uuid == member.Vnic)).ToList();
            var groups = All<SecurityGroupDesired>().Where(group => memberships.Any(member => member.SecurityGroup == group.Uuid)).ToList();
            var rules = All<SecurityRuleDesired>().Where(rule => groups.Any(group => group.Uuid == rule.SecurityGroup));
            var bonds = All<BondDesired>().Where(bond => bond.Host == host).ToList();
            var roles = All<NetRoleDesired>().Where(role => bonds.Any(bond => bond.Uuid == role.Bond));
            object[] all =
            [
                .. All<HostDesired>().Where(row => row.Uuid == host), .. places, .. instances, .. vnics, .. switches, .. networks,
                .. routes, .. addresses, .. ports, .. memberships, .. groups, .. rules, .. bonds, .. roles, .. All<NicDesired>().Where(nic => nic.Host == host),
            ];
            return all.Select(record => NameOf(record));
        }

        private void AddGroup()
        {
            var group = NewUuid();
            Put(new SecurityGroupDesired { Uuid = group, Tenant = NewUuid(), Name = "g" });
            Put(new SecurityRuleDesired
            {
                Uuid = NewUuid(),
                SecurityGroup = group,
                Direction = SecurityDirection.Ingress,
                // Which cards are in it is told by ports.
                RemoteSecurityGroup = Any<SecurityGroupDesired>(row => row.Uuid),
            });
            Put(new VnicSecurityGroupDesired { Uuid = NewUuid(), Vnic = Any<VnicDesired>(row => row.Uuid), SecurityGroup = group });
        }

        private void AddLinks()
        {
            var host = AnyHost();
            var bond = NewUuid();
            var hwaddr = $"52:54:00:00:{_random.Next(256):x2}:{_random.Next(256):x2}";
            Put(new BondDesired { Uuid = bond, Host = host });
            Put(new NetRoleDesired { Uuid = NewUuid(), Bond = bond, Role = NetRole.Virtual });
            Put(new NicDesired { Hwaddr = hwaddr, Host = host, Bond = bond });
            Report(new HostNicCurrent { Host = AnyHost(), Nic = hwaddr, Status = LinkStatus.Active });
        }

        // A card into another switch or machine, or an instance to another host.
        private void Move()
        {
            if (All<VnicDesired>().ToList() is { Count: > 0 } vnics)
                Put(Pick(vnics) with { Switch = Any<SwitchDesired>(row => row.Uuid) });
            if (All<NicDesired>().ToList() is { Count: > 0 } nics)
                Put(Pick(nics) with { Host = AnyHost(), Bond = null });
            if (All<HostInstanceDesired>().ToList() is not { Count: > 0 } places)
                return;
            var place = Pick(places);
            _rows.Remove(NameOf(place));
            Store.Apply([RowChange.Remove(Catalog["host_instance"], RowPart.Desired, NameOf(place).Key)]);
            Put(place with { Host = AnyHost() });
        }

        private void Put(object record)
        {
            _rows[NameOf(record)] = record;
            Store.Apply([RowChange.Set(Entities[record.GetType()], RowPart.Desired, record)]);
        }

        private void Report(object record) => Store.Apply([RowChange.Set(
            Catalog.All.Single(entity => entity.Current?.Type == record.GetType()), RowPart.Current, record)]);

        private IEnumerable<T> All<T>() => _rows.Values.OfType<T>();

        private Guid Any<T>(Func<T, Guid> uuid) => All<T>().ToList() is { Count: > 0 } rows ? uuid(Pick(rows)) : NewUuid();

        private Guid AnyHost() => Pick(Hosts);

        private T Pick<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

        private Guid NewUuid()
        {
            var bytes = new byte[16];
            _random.NextBytes(bytes);
            return new Guid(bytes);
        }

        private static (string Entity, RowKey Key) NameOf(object record)
        {
            var entity = Entities[record.GetType()];
            return (entity.Name, entity.KeyOf(RowPart.Desired, record));
        }
    }
}
