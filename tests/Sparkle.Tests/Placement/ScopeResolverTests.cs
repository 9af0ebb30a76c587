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
        var storage = new StorageRows(random);
        store.Apply(storage.Made.Select(Desired));
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
            store.Apply(storage.Of(instance.Uuid).Select(Desired));
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
    public void A_host_is_sent_what_the_disks_of_its_instances_need_and_nothing_of_others()
    {
        var (host, mine, other) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        var store = new StateStore(Catalog);
        foreach (var (instance, name) in new[] { (mine, "mine"), (other, "other") })
        {
            var (pool, volume, image) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
            store.Apply(((object[])
            [
                new InstanceDesired { Uuid = instance, Name = name, Mem = 64 },
                new StoragePoolDesired { Uuid = pool, Name = name, Type = StoragePoolType.SharedLvm, Config = JsonText.Parse("{}") },
                new DiskDesired { Id = name, Type = DiskType.Local, StoragePool = pool },
                new ImageDesired { Uuid = image, Name = name },
                new VolumeDesired { Uuid = volume, Name = name, Size = 1, StoragePool = pool, BaseImage = image },
                new ExtentDesired { Uuid = Guid.NewGuid(), StoragePool = pool, Disk = name, Range = new LongRange(0, 1), Volume = volume },
                new ExtentDesired { Uuid = Guid.NewGuid(), StoragePool = pool, Disk = name, Range = new LongRange(1, 2) },
                new VdiskDesired { Uuid = Guid.NewGuid(), Instance = instance, Volume = volume },
                new SnapshotDesired { Uuid = Guid.NewGuid(), Volume = volume, Name = name },
                new VolumeDesired { Uuid = Guid.NewGuid(), Name = "unattached", Size = 1, StoragePool = pool, Image = image },
            ]).Select(Desired));
        }
        store.Apply([Desired(new HostInstanceDesired { Host = host, Instance = mine })]);

        var rows = Scopes.RowsOf(store.Snapshot, host.ToString());
        Assert.That(
            rows.Keys.Select(row => row.Entity.Name).Order(),
            Is.EqualTo(["disk", "extent", "host_instance", "image", "instance", "snapshot", "storage_pool", "vdisk", "volume"]));
        Assert.That(rows.Values.OfType<VolumeDesired>().Single().Name, Is.EqualTo("mine"));
    }

    [Test]
    public void A_row_that_is_only_current_is_sent_to_nobody()
    {
        var store = new StateStore(Catalog);
        var host = Guid.NewGuid();
        store.Apply([RowChange.Set(Catalog["host_instance"], RowPart.Current, new HostInstanceCurrent { Host = host, Instance = Guid.NewGuid(), Status = InstanceStatus.Running })]);
        Assert.That(Scopes.RowsOf(store.Snapshot, host.ToString()), Is.Empty);
    }

    /// <summary>Pools, disks, images and volumes that any instance may come to have.</summary>
    private sealed class StorageRows
    {
        private readonly Random _random;
        private readonly Guid[] _pools = [Guid.NewGuid(), Guid.NewGuid()];
        private readonly Guid[] _images = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];
        private readonly Guid[] _volumes = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];

        public StorageRows(Random random)
        {
            _random = random;
            Made =
            [
                .. _pools.Select(pool => new StoragePoolDesired { Uuid = pool, Name = "p", Type = StoragePoolType.SharedLvm, Config = JsonText.Parse("{}") }),
                .. Enumerable.Range(0, 3).Select(number => new DiskDesired { Id = $"d{number}", Type = DiskType.Local, StoragePool = Maybe(_pools) }),
                .. _images.Select(image => new ImageDesired { Uuid = image, Name = "i" }),
                .. _volumes.Select(volume => new VolumeDesired
                {
                    Uuid = volume,
                    Name = "v",
                    Size = 1,
                    StoragePool = _pools[random.Next(_pools.Length)],
                    BaseImage = Maybe(_images),
                    Image = Maybe(_images),
                }),
                .. Enumerable.Range(0, 6).Select(number => new ExtentDesired
                {
                    Uuid = Guid.NewGuid(),
                    StoragePool = _pools[0],
                    Disk = "d0",
                    Range = new LongRange(number, number + 1),
                    Volume = Maybe(_volumes),
                }),
                .. _volumes.Select(volume => new SnapshotDesired { Uuid = Guid.NewGuid(), Volume = volume, Name = "s" }),
            ];
        }

        public object[] Made { get; }

        public object[] Of(Guid instance) =>
        [
            new VdiskDesired { Uuid = Guid.NewGuid(), Instance = instance, Volume = Maybe(_volumes) },
            new VdiskDesired { Uuid = Guid.NewGuid(), Instance = instance, Image = Maybe(_images) },
            new SnapshotDesired { Uuid = Guid.NewGuid(), Instance = instance, Name = "s" },
        ];

        private Guid? Maybe(Guid[] some) => _random.Next(2) == 0 ? null : some[_random.Next(some.Length)];
    }
}
