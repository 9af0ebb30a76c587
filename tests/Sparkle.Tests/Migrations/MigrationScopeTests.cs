using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Networks;
using PonyCloud.Sparkle.Placement;
using PonyCloud.Sparkle.Tests.Storage;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>What a destination has before the guest comes, and what owners and other hosts see meanwhile.</summary>
[TestFixture]
public sealed class MigrationScopeTests
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly Guid Here = Number(1);
    private static readonly Guid There = Number(2);
    private static readonly InstanceDesired Instance = new()
    {
        Uuid = Number(10),
        Name = "web",
        Mem = 64,
        State = InstanceState.Running,
    };

    private static readonly StoragePoolDesired Pool = StorageInMemory.Pool(11, StoragePoolType.Netfs, shareable: true);
    private static readonly VolumeDesired Volume = StorageInMemory.Volume(12, Pool);
    private static readonly VnicDesired Card = new() { Uuid = Number(20), Instance = Instance.Uuid, Switch = Number(30), Macaddr = "06:00:00:00:00:01" };

    private MemoryDatabase _database = null!;
    private StateStore _shown = null!;
    private InstanceView _view = null!;

    [SetUp]
    public void Start()
    {
        _database = new MemoryDatabase(Catalog);
        _shown = new StateStore(Catalog);
        _view = new InstanceView(Catalog, new Scheduler(Catalog, _database, new StorageInMemory(), _database, NullLogger<Scheduler>.Instance));
        _database.Put(
            new HostDesired { Uuid = Here, Name = "here" }, new HostDesired { Uuid = There, Name = "there" }, Instance, Pool, Volume, Card,
            new SwitchDesired { Uuid = Card.Switch, Name = "switch" },
            new NetworkDesired { Uuid = Number(40), Switch = Card.Switch, Range = "198.51.100.0/24" },
            new SwitchPortDesired { Vnic = Number(21), Switch = Card.Switch, Host = Here, Macaddr = "06:00:00:00:00:02", Name = "other" },
            new VdiskDesired { Uuid = Number(50), Instance = Instance.Uuid, Volume = Volume.Uuid },
            new HostInstanceDesired { Host = Here, Instance = Instance.Uuid });
    }

    [Test]
    public void A_host_that_is_to_receive_it_is_sent_all_that_it_needs_before_it_has_the_place()
    {
        Assert.That(Sent(), Is.EqualTo(["host"]));
        _database.Put(Part(There, MigrationRole.Receive));
        Assert.That(Sent(), Is.SupersetOf(["host_migration", "instance", "vnic", "switch", "network", "switch_port", "vdisk", "volume", "storage_pool"]));
    }

    [Test]
    public void It_is_migrating_while_it_is_sent_and_until_the_copy_goes_on()
    {
        Says(Here, InstanceStatus.Running);
        Assert.That(Shown(), Is.EqualTo(InstanceStatus.Running));
        Says(Here, InstanceStatus.Running, HostMigrationStatus.Sending);
        Assert.That(Shown(), Is.EqualTo(InstanceStatus.Migrating));
        Says(There, InstanceStatus.Paused, HostMigrationStatus.Arrived);
        Assert.That(Shown(), Is.EqualTo(InstanceStatus.Migrating));
        Says(Here, InstanceStatus.Stopped, HostMigrationStatus.Left);
        Assert.That(Shown(), Is.EqualTo(InstanceStatus.Migrating), "neither stopped nor paused");
        Move();
        Assert.That(Shown(), Is.EqualTo(InstanceStatus.Migrating));
        _database.Report(new HostInstanceCurrent { Host = There, Instance = Instance.Uuid, Status = InstanceStatus.Running }, Said(There, HostMigrationStatus.Here));
        Assert.That(Shown(), Is.EqualTo(InstanceStatus.Running), "what is left at the source is nothing");
    }

    [Test]
    public void A_copy_that_stands_still_does_not_show_while_the_source_goes_on()
    {
        Says(Here, InstanceStatus.Running, HostMigrationStatus.Here);
        Says(There, InstanceStatus.Paused, HostMigrationStatus.Arrived);
        Assert.That(Shown(), Is.EqualTo(InstanceStatus.Running));
    }

    [Test]
    public void The_port_is_where_it_runs_until_the_place_goes_and_then_at_once_where_the_copy_is()
    {
        var rows = new NetworkRows(Catalog);
        Says(Here, InstanceStatus.Running, HostMigrationStatus.Sending);
        Says(There, InstanceStatus.Paused, HostMigrationStatus.Arrived);
        Assert.That(Holder(), Is.EqualTo(Here));
        Says(Here, InstanceStatus.Stopped, HostMigrationStatus.Left);
        Assert.That(Holder(), Is.EqualTo(Here), "it has left, and its place has not");
        Move();
        Assert.That(Holder(), Is.EqualTo(There), "before the guest goes on");

        Guid? Holder() => rows.HolderOf(_database.Snapshot!, RowKey.Of(Instance.Uuid), before: Here);
    }

    [Test]
    public void What_is_on_its_way_takes_its_room()
    {
        _database.Report(StorageInMemory.Heard(There, HostStatus.Present) with { MemoryTotal = 256 + 100 });
        Assert.That(Capacity.Of(Catalog, _database.Snapshot!).HasRoom(Instance, There), Is.True);
        _database.Put(Part(There, MigrationRole.Receive));
        Assert.That(Capacity.Of(Catalog, _database.Snapshot!).HasRoom(Instance, There), Is.False);
    }

    private static Guid Number(int number) => new(number, 0, 0, new byte[8]);

    private static HostMigrationDesired Part(Guid host, MigrationRole role) => new()
    {
        Host = host,
        Instance = Instance.Uuid,
        Role = role,
        Turn = Number(77),
        PeerHost = host == Here ? There : Here,
    };

    private static HostMigrationCurrent Said(Guid host, HostMigrationStatus status) => new()
    {
        Host = host,
        Instance = Instance.Uuid,
        Status = status,
    };

    private IEnumerable<string> Sent() =>
        new ScopeResolver(Catalog).RowsOf(_database.Snapshot!, There.ToString()).Keys.Select(row => row.Entity.Name).Distinct();

    private void Says(Guid host, InstanceStatus status, HostMigrationStatus? part = null)
    {
        _database.Report(new HostInstanceCurrent { Host = host, Instance = Instance.Uuid, Status = status });
        if (part is { } said)
            _database.Report(Said(host, said));
    }

    private void Move()
    {
        _database.Remove("host_instance", RowKey.Of(Here.ToString(), Instance.Uuid.ToString()));
        _database.Put(new HostInstanceDesired { Host = There, Instance = Instance.Uuid });
    }

    private InstanceStatus? Shown()
    {
        var rows = _database.Snapshot!.Tables.SelectMany(table => table.Rows.SelectMany(row => new[]
        {
            new RowChange(table.Entity, row.Key, RowPart.Desired, row.Desired),
            new RowChange(table.Entity, row.Key, RowPart.Current, row.Current),
        })).Where(change => change.Value is not null);
        var changes = new StateStore(Catalog).Apply(rows);
        _shown.Apply(_view.Derive(changes));
        return (_shown.Snapshot[Catalog["instance"]].Find(Instance.Uuid)?.Current as InstanceCurrent)?.Status;
    }
}
