using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Placement;

namespace PonyCloud.Sparkle.Tests.Placement;

[TestFixture]
public sealed class ScopeResolverTests
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly ScopeResolver Scopes = new(Catalog);

    private static RowChange Desired(object record) => RowChange.Set(
        Catalog.All.Single(entity => entity.Desired?.Type == record.GetType()), RowPart.Desired, record);

    [Test]
    public void The_hosts_of_a_row_are_exactly_those_that_are_sent_it([Range(1, 50)] int seed)
    {
        var random = new Random(seed);
        var hosts = Enumerable.Range(0, 4).Select(_ => Guid.NewGuid()).ToArray();
        var profiles = Enumerable.Range(0, 3).Select(_ => Guid.NewGuid()).ToArray();
        var store = new StateStore(Catalog);
        store.Apply(hosts.Select(host => Desired(new HostDesired { Uuid = host, Name = "h" })));
        store.Apply(profiles.Select(profile => Desired(new CpuProfileDesired { Uuid = profile, Name = "p", Model = "m" })));
        for (var i = 0; i < 10; i++)
        {
            var instance = new InstanceDesired
            {
                Uuid = Guid.NewGuid(),
                Tenant = Guid.NewGuid(),
                Name = "i",
                Mem = 64,
                CpuProfile = random.Next(3) == 0 ? null : profiles[random.Next(profiles.Length)],
            };
            store.Apply([Desired(instance)]);
            var host = hosts[random.Next(hosts.Length)];
            if (random.Next(3) > 0)
                store.Apply([Desired(new HostInstanceDesired { Host = host, Instance = instance.Uuid })]);
            else
                store.Apply([RowChange.Set(Catalog["host_instance"], RowPart.Current, new HostInstanceCurrent { Host = host, Instance = instance.Uuid, Status = InstanceStatus.Running })]);
        }

        var state = store.Snapshot;
        var sent = hosts.ToDictionary(host => host.ToString(), host => Scopes.RowsOf(state, host.ToString()).Keys.ToHashSet());
        using (Assert.EnterMultipleScope())
        {
            foreach (var row in state.Tables.SelectMany(table => table.Rows.Select(row => (table.Entity, Row: row))))
            {
                var found = new HashSet<string>();
                Scopes.AddHostsOf(state, row.Entity, row.Row, found);
                Assert.That(found, Is.EquivalentTo(sent.Where(host => host.Value.Contains((row.Entity, row.Row.Key))).Select(host => host.Key)),
                    $"{row.Entity} {row.Row.Key}");
            }
        }
    }

    [Test]
    public void A_row_that_is_only_current_is_sent_to_nobody()
    {
        var store = new StateStore(Catalog);
        var host = Guid.NewGuid();
        store.Apply([RowChange.Set(Catalog["host_instance"], RowPart.Current, new HostInstanceCurrent { Host = host, Instance = Guid.NewGuid(), Status = InstanceStatus.Running })]);
        Assert.That(Scopes.RowsOf(store.Snapshot, host.ToString()), Is.Empty);
    }
}
