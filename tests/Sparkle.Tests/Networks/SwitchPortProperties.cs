using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Tests.Networks;

/// <summary>
/// Whatever is ordered and reported in whatever sequence, also what refers to nothing: the ports are those that somebody finds who
/// knows no indexes, looks at every row after each change, and remembers where each port was.
/// </summary>
[TestFixture]
public sealed class SwitchPortProperties
{
    private static readonly InstanceStatus[] Said = [InstanceStatus.Running, InstanceStatus.Paused, InstanceStatus.Stopped, InstanceStatus.Starting];

    private int _ports;
    private int _moves;

    [Test]
    public void Ports_are_what_a_look_at_everything_finds()
    {
        _ports = _moves = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000).WithStartSize(60).WithEndSize(150), Prop.ForAll(Arb.From(Gen.ListOf(Step())), Holds));
        Assert.That(_ports, Is.GreaterThan(1000), "there was something to compare");
        Assert.That(_moves, Is.GreaterThan(20), "ports moved");
    }

    private static Gen<(int Kind, int A, int B, int C)> Step() =>
        from kind in Gen.Choose(0, 30)
        from a in Gen.Choose(0, 100)
        from b in Gen.Choose(0, 100)
        from c in Gen.Choose(0, 100)
        select (kind, a, b, c);

    private bool Holds(IList<(int Kind, int A, int B, int C)> steps)
    {
        var networks = new NetworksInMemory();
        var expected = new Dictionary<Guid, SwitchPortDesired>();
        var transaction = new List<RowChange>();
        foreach (var (kind, a, b, c) in steps)
        {
            if (kind < 22)
            {
                transaction.Add(Order(kind, a, b, c));
                if (a % 3 != 0)
                    Commit();
                continue;
            }
            Commit();
            if (kind < 29)
            {
                var said = NetworksInMemory.Set(new HostInstanceCurrent { Host = Host(a), Instance = Instance(b), Status = Said[c % Said.Length], Mem = c });
                networks.Report([c % 7 == 0 ? said with { Value = null } : said]);
            }
            else
                networks.Reload();
            Look();
        }
        Commit();

        // Somebody who starts now knows all of it but where ports were.
        var fresh = new NetworksInMemory(networks.Stored);
        var begun = Naive(fresh.State, []);
        Assert.That(fresh.All<SwitchPortDesired>(), Is.EquivalentTo(begun.Values));
        fresh.Report([.. networks.All<HostInstanceCurrent>().Select(NetworksInMemory.Set)]);
        Assert.That(fresh.All<SwitchPortDesired>(), Is.EquivalentTo(Naive(fresh.State, begun).Values));
        return true;

        void Commit()
        {
            if (transaction.Count == 0)
                return;
            networks.Commit(transaction);
            transaction = [];
            Look();
        }

        void Look()
        {
            var now = Naive(networks.State, expected);
            _ports += now.Count;
            _moves += now.Count(port => expected.TryGetValue(port.Key, out var before) && before.Host != port.Value.Host);
            expected = now;
            Assert.That(networks.All<SwitchPortDesired>(), Is.EquivalentTo(now.Values));
        }
    }

    /// <summary>A row that comes, changes or goes.</summary>
    private static RowChange Order(int kind, int a, int b, int c)
    {
        object row = kind switch
        {
            < 5 => new VnicDesired
            {
                Uuid = NetworksInMemory.Number(20 + a % 6),
                Instance = Instance(b),
                Switch = Switch(c),
                Macaddr = c % 11 == 0 ? null : $"06:00:00:00:00:{c:x2}",
            },
            < 8 => new InstanceDesired { Uuid = Instance(a), Name = $"i{b % 2}", Mem = c + 16, Template = c % 9 == 0 },
            < 12 => new HostInstanceDesired { Host = Host(a), Instance = Instance(b) },
            < 15 => new AddressDesired
            {
                Uuid = NetworksInMemory.Number(50 + a % 6),
                Network = NetworksInMemory.Number(40 + b % 3),
                Vnic = c % 8 == 0 ? null : NetworksInMemory.Number(20 + c % 6),
                Ip = $"192.0.2.{a}",
            },
            15 => new NetworkDesired { Uuid = NetworksInMemory.Number(40 + a % 3), Switch = Switch(a), Range = "192.0.2.0/24", Floating = b % 2 == 0 },
            < 18 => new VnicSecurityGroupDesired
            {
                Uuid = NetworksInMemory.Number(70 + a % 4),
                Vnic = NetworksInMemory.Number(20 + b % 6),
                SecurityGroup = NetworksInMemory.Number(60 + c % 3),
            },
            18 => new BondDesired { Uuid = NetworksInMemory.Number(80 + a % 4), Host = Host(a) },
            _ => new NetRoleDesired
            {
                Uuid = NetworksInMemory.Number(90 + a % 6),
                Bond = NetworksInMemory.Number(80 + b % 4),
                Role = c % 4 == 0 ? NetRole.Public : NetRole.Virtual,
                Address = c % 5 == 0 ? null : $"198.51.100.{c}",
            },
        };
        var change = NetworksInMemory.Set(row);
        return (a + b + c) % 6 == 0 ? change with { Value = null } : change;
    }

    /// <summary>README.md, said once more.</summary>
    private static Dictionary<Guid, SwitchPortDesired> Naive(StateSnapshot state, Dictionary<Guid, SwitchPortDesired> before)
    {
        var rows = state.Tables.SelectMany(table => table.Rows).ToList();
        var said = rows.Select(row => row.Current).OfType<HostInstanceCurrent>().ToList();
        var ports = new Dictionary<Guid, SwitchPortDesired>();
        foreach (var card in Desired<VnicDesired>(rows).Where(card => card.Macaddr is not null))
        {
            if (Desired<InstanceDesired>(rows).SingleOrDefault(row => row.Uuid == card.Instance && !row.Template) is not { } instance
                || !Desired<HostInstanceDesired>(rows).Any(place => place.Instance == card.Instance))
                continue;
            var ordered = Desired<HostInstanceDesired>(rows).Where(place => place.Instance == card.Instance).Select(place => place.Host).ToList();
            var reports = said.Where(place => place.Instance == card.Instance).ToList();
            var all = ordered.Concat(reports.Select(place => place.Host)).Distinct().ToList();
            var alive = new[] { InstanceStatus.Running, InstanceStatus.Paused }
                .Select(status => reports.Where(place => place.Status == status).Select(place => place.Host).ToList())
                .FirstOrDefault(hosts => hosts.Count > 0) ?? all;
            var host = before.TryGetValue(card.Uuid, out var was) && alive.Contains(was.Host) ? was.Host
                : alive.Exists(ordered.Contains) ? alive.Where(ordered.Contains).Min()
                : alive.Min();
            ports.Add(card.Uuid, new SwitchPortDesired
            {
                Vnic = card.Uuid,
                Switch = card.Switch,
                Host = host,
                Endpoint = Desired<NetRoleDesired>(rows)
                    .Where(role => role.Role == NetRole.Virtual && role.Address is not null)
                    .Where(role => Desired<BondDesired>(rows).Any(bond => bond.Uuid == role.Bond && bond.Host == host))
                    .OrderBy(role => role.Uuid).FirstOrDefault()?.Address,
                Macaddr = card.Macaddr!,
                Addresses = TextList.Of(Desired<AddressDesired>(rows)
                    .Where(address => address.Vnic == card.Uuid)
                    .Where(address => Desired<NetworkDesired>(rows).Any(network => network.Uuid == address.Network && network.Switch == card.Switch))
                    .Select(address => address.Ip!).Order(StringComparer.Ordinal)),
                Name = instance.Name,
                SecurityGroups = TextList.Of(Desired<VnicSecurityGroupDesired>(rows)
                    .Where(member => member.Vnic == card.Uuid).Select(member => member.SecurityGroup.ToString()).Order(StringComparer.Ordinal)),
            });
        }
        return ports;
    }

    private static IEnumerable<T> Desired<T>(List<Row> rows) => rows.Select(row => row.Desired).OfType<T>();

    private static Guid Host(int number) => NetworksInMemory.Number(1 + number % 3);

    private static Guid Instance(int number) => NetworksInMemory.Number(10 + number % 4);

    private static Guid Switch(int number) => NetworksInMemory.Number(30 + number % 2);
}
