using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Tests.Storage.Copies;

/// <summary>What is planned for copies of volumes that other hosts keep, and for what they leave behind.</summary>
public sealed class VolumeCopyPlanTests
{
    private static readonly Guid Host = StorageOrderBook.Host;

    private readonly Dictionary<ObjectName, long> _objects = [];
    private readonly Dictionary<StorageSubject, StorageAction> _inFlight = [];
    private readonly Dictionary<StorageAction, FailureMemory> _failures = [];
    private StorageOrderBook _orders = null!;
    private Guid _pool;
    private GuestUses _uses = GuestUses.None;
    private bool _publishes = true;
    private string? _poolWhy;
    private VolumeDesired _volume = null!;
    private VdiskDesired _disk = null!;

    [SetUp]
    public void Order()
    {
        _orders = new StorageOrderBook(Host);
        _pool = _orders.Pool();
        (_volume, _disk) = _orders.Elsewhere(_pool);
        _objects.Clear();
        _inFlight.Clear();
        _failures.Clear();
        (_uses, _publishes, _poolWhy) = (GuestUses.None, true, null);
    }

    [Test]
    public void Room_is_made_for_what_the_hypervisor_fills()
    {
        Copy(CopyFill.Hypervisor);

        var plan = Plan();

        Assert.That(plan.Actions, Is.EqualTo([new StorageAction.Make(_pool, Object(2), new VolumeSource.Empty())]));
        Assert.That(CopyIn(plan), Is.EqualTo((StorageStatus.Preparing, 2, (string?)null)));
        Assert.That(DiskIn(plan).Readiness, Is.EqualTo(DiskReadiness.Waiting));
    }

    [Test]
    public void Room_that_is_there_is_ready_and_so_is_the_disk_of_the_instance_that_comes()
    {
        Copy(CopyFill.Hypervisor);
        Put(2);

        var plan = Plan();

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(CopyIn(plan), Is.EqualTo((StorageStatus.Ready, 2, (string?)null)));
        var disk = DiskIn(plan);
        Assert.That((disk.Readiness, disk.IsOn, disk.Target?.Name, disk.Size), Is.EqualTo((DiskReadiness.Ready, true, Name(2), (long?)16)));
        Assert.That(plan.Orphans, Is.Empty);
        Assert.That(plan.Volumes, Is.Empty, "this host does not keep it");
    }

    [TestCase(InstanceState.Running, true)]
    [TestCase(InstanceState.Stopped, false)]
    public void It_is_opened_for_an_instance_that_is_to_be_on(InstanceState state, bool isOn)
    {
        (_volume, _disk) = _orders.Elsewhere(_pool, state);
        Copy(CopyFill.Hypervisor);
        Put(2);

        Assert.That(DiskIn(Plan()).IsOn, Is.EqualTo(isOn));
    }

    [Test]
    public void Nothing_is_fetched_before_there_is_a_door()
    {
        Copy(CopyFill.Fetch);

        var plan = Plan();

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(
            CopyIn(plan), Is.EqualTo((StorageStatus.Preparing, 2, (string?)"It waits for the host that keeps it to let it be read.")));
    }

    [Test]
    public void It_is_fetched_through_the_door_of_its_keeper_and_nobody_is_told_the_ticket()
    {
        Copy(CopyFill.Fetch, withDoor: true);

        var plan = Plan();

        Assert.That(plan.Actions, Is.EqualTo([FetchOf(2)]));
        Assert.That(CopyIn(plan), Is.EqualTo((StorageStatus.Preparing, 2, (string?)null)));
        Assert.That(DiskIn(plan).Readiness, Is.EqualTo(DiskReadiness.Waiting));
        Assert.That(DiskIn(plan).Why, Does.Contain("fetched"));
        Assert.That($"{plan} {plan.Actions[0]} {FetchOf(2).Source}", Does.Contain(CopyBook.Door.Endpoint).And.Not.Contain(CopyBook.Door.Ticket));
    }

    [TestCase(MigrationRole.Send)]
    [TestCase(MigrationRole.Receive)]
    [TestCase(MigrationRole.Take)]
    public void A_door_of_another_role_is_none_to_fetch_from(MigrationRole role)
    {
        Copy(CopyFill.Fetch);
        _orders.Move(Host, _disk.Instance, role, CopyBook.Door);

        Assert.That(Plan().Actions, Is.Empty);
    }

    [Test]
    public void What_was_fetched_is_ready_and_nobody_s_disk_yet()
    {
        Copy(CopyFill.Fetch, withDoor: true);
        Put(2);

        var plan = Plan();

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(CopyIn(plan), Is.EqualTo((StorageStatus.Ready, 2, (string?)null)));
        Assert.That(DiskIn(plan).Readiness, Is.EqualTo(DiskReadiness.Waiting));
        Assert.That(plan.Orphans, Is.Empty);
    }

    [Test]
    public void Behind_another_door_it_is_begun_anew()
    {
        Copy(CopyFill.Fetch, withDoor: true);
        Begin(FetchOf(2));
        Assert.That(Plan().Actions, Is.EqualTo([FetchOf(2)]), "it goes on");

        var other = CopyBook.Door with { Ticket = "another" };
        _orders.Move(Host, _disk.Instance, MigrationRole.Stay, other);
        Assert.That(Plan().Actions, Is.Empty, "what is under way is withdrawn");

        _inFlight.Clear();
        Assert.That(
            Plan().Actions, Is.EqualTo([new StorageAction.Make(_pool, Object(2), new VolumeSource.Remote(_disk.Instance, _volume.Uuid, other))]));
    }

    [Test]
    public void Another_turn_with_the_same_door_breaks_nothing_off()
    {
        Copy(CopyFill.Fetch, withDoor: true);
        Begin(FetchOf(2));

        _orders.Move(Host, _disk.Instance, MigrationRole.Stay, CopyBook.Door);

        Assert.That(Plan().Actions, Is.EqualTo([FetchOf(2)]));
    }

    [Test]
    public void What_fails_is_said_and_another_door_is_another_chance()
    {
        Copy(CopyFill.Fetch, withDoor: true);
        _failures[FetchOf(2)] = new FailureMemory(1, TimeSpan.FromSeconds(10), "It is silent.");

        var plan = Plan();
        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.WakeAt, Is.EqualTo(TimeSpan.FromSeconds(10)));
        Assert.That(CopyIn(plan), Is.EqualTo((StorageStatus.Broken, 2, (string?)"It is silent.")));

        _orders.Move(Host, _disk.Instance, MigrationRole.Stay, CopyBook.Door with { Ticket = "another" });
        Assert.That(Plan().Actions, Has.Count.EqualTo(1));
    }

    [Test]
    public void In_a_pool_without_names_there_are_no_copies()
    {
        Copy(CopyFill.Hypervisor);
        _publishes = false;

        var plan = Plan();

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(CopyIn(plan).Status, Is.EqualTo(StorageStatus.Broken));
        Assert.That(CopyIn(plan).Why, Does.Contain("no names"));
    }

    [Test]
    public void In_a_pool_that_is_broken_a_copy_is_broken()
    {
        Copy(CopyFill.Hypervisor);
        Put(2);
        _poolWhy = "The directory is gone.";

        var plan = Plan();

        Assert.That(CopyIn(plan), Is.EqualTo((StorageStatus.Broken, 2, (string?)"The directory is gone.")));
        Assert.That(DiskIn(plan).Readiness, Is.EqualTo(DiskReadiness.Broken));
    }

    [Test]
    public void Nothing_is_made_of_a_volume_that_is_to_go()
    {
        Copy(CopyFill.Fetch, withDoor: true);
        _orders.Change(_volume with { State = VolumeState.Deleted });
        Begin(FetchOf(2));

        Assert.That(Plan().Actions, Is.Empty);
    }

    [Test]
    public void A_copy_grows_with_its_volume_unless_a_guest_has_it()
    {
        Copy(CopyFill.Hypervisor);
        Put(2);
        _orders.Change(_volume with { Size = 32 });

        var plan = Plan();
        Assert.That(plan.Actions.Single(), Is.EqualTo(new StorageAction.Grow(_pool, Object(2) with { Size = 32 })));
        Assert.That(CopyIn(plan).Status, Is.EqualTo(StorageStatus.Preparing));

        Use(2);
        Assert.That(Plan().Actions, Is.Empty);
    }

    [Test]
    public void What_an_earlier_attempt_of_this_host_left_goes_first()
    {
        Copy(CopyFill.Fetch, withDoor: true);
        var left = Name(2) with { Worker = ObjectName.WorkerOf(Host, Guid.NewGuid()) };
        _objects.Add(left, 16);

        Assert.That(Plan().Actions, Is.EqualTo([new StorageAction.Remove(_pool, new StorageObject(left, 0))]));
    }

    [Test]
    public void Without_a_row_nothing_is_made_and_nothing_goes()
    {
        Put(2);

        var plan = Plan();

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.Orphans.Single().Name, Is.EqualTo($"{_pool}:{Name(2)}"));
    }

    [Test]
    public void What_a_tombstone_names_goes_although_the_volume_is_known_here()
    {
        Put(2);
        var tombstone = Tombstone(2);

        var plan = Plan();
        Assert.That(plan.Actions, Is.EqualTo([RemovalOf(2)]));
        Assert.That(plan.Tombstones.Single().Status, Is.EqualTo(RemovalStatus.Removing));
        Assert.That(plan.Orphans, Is.Empty, "it is known why it is here, and it goes");

        _objects.Clear();
        Assert.That((Plan().Tombstones.Single().Tombstone, Plan().Tombstones.Single().Status), Is.EqualTo((tombstone, RemovalStatus.Removed)));
    }

    [Test]
    public void An_older_copy_goes_and_the_newer_one_is_made()
    {
        Put(2);
        Tombstone(2);
        Copy(CopyFill.Fetch, generation: 3, withDoor: true);

        Assert.That(Plan().Actions, Is.EqualTo([RemovalOf(2)]));
        _objects.Clear();
        Begin(FetchOf(3));

        var plan = Plan();
        Assert.That(plan.Actions, Is.EqualTo([FetchOf(3)]));
        Assert.That(plan.Tombstones.Single().Status, Is.EqualTo(RemovalStatus.Removed), "it does not wait for the newer one");
    }

    [Test]
    public void What_was_withdrawn_may_still_publish_what_is_to_go()
    {
        Copy(CopyFill.Fetch, withDoor: true);
        Begin(FetchOf(2));
        _orders.ForgetCopy(Host, _volume.Uuid);
        Tombstone(2);

        var plan = Plan();
        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.Tombstones.Single().Status, Is.EqualTo(RemovalStatus.Removing));

        _inFlight.Clear();
        var left = Name(2) with { Worker = ObjectName.WorkerOf(Host, Guid.NewGuid()) };
        _objects.Add(left, 16);
        plan = Plan();
        Assert.That(plan.Tombstones.Single().Status, Is.EqualTo(RemovalStatus.Removed));
        Assert.That(plan.Actions, Is.EqualTo([new StorageAction.Remove(_pool, new StorageObject(left, 0))]), "what it had begun");
    }

    [TestCase(2, false)]
    [TestCase(3, true)]
    [TestCase(1, true)]
    public void What_is_to_go_waits_for_a_guest_that_has_that_object_and_for_no_other(int used, bool goes)
    {
        Put(2);
        Tombstone(2);
        Use(used);

        var plan = Plan();

        Assert.That(plan.Actions, Is.EqualTo(goes ? [RemovalOf(2)] : Array.Empty<StorageAction>()));
        Assert.That(plan.Tombstones.Single().Status, Is.EqualTo(RemovalStatus.Removing));
        Assert.That(plan.Tombstones.Single().Why, goes ? Is.Null : Does.Contain(_disk.Instance.ToString()));
    }

    [Test]
    public void Nothing_goes_before_it_is_known_what_guests_have()
    {
        Put(2);
        Tombstone(2);
        _uses = GuestUses.Unknown;

        Assert.That(Plan().Actions, Is.Empty);
    }

    [Test]
    public void A_failed_removal_is_said()
    {
        Put(2);
        Tombstone(2);
        _failures[RemovalOf(2)] = new FailureMemory(1, TimeSpan.FromSeconds(10), "It is locked.");

        var tombstone = Plan().Tombstones.Single();

        Assert.That((tombstone.Status, tombstone.Why), Is.EqualTo((RemovalStatus.Broken, "It is locked.")));
    }

    [TestCase(1, false, Description = "the content that the volume has, which nobody may be keeping")]
    [TestCase(2, true, Description = "the content that a copy has here")]
    public void What_a_row_explains_does_not_go(int generation, bool withCopy)
    {
        if (withCopy)
            Copy(CopyFill.Hypervisor);
        Put(generation);
        Tombstone(generation);

        var plan = Plan();

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.Tombstones.Single().Status, Is.EqualTo(RemovalStatus.Broken));
    }

    [TestCase(CopyFill.Hypervisor)]
    [TestCase(CopyFill.Fetch)]
    public void Once_this_host_keeps_the_volume_the_copy_is_its_content(CopyFill fill)
    {
        Copy(fill);
        Put(2);
        var before = DiskIn(Plan());
        Use(2);

        _orders.HandOver(Host, _volume, _disk, 2);

        var plan = Plan();
        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.VolumeCopies, Is.Empty);
        var kept = plan.Volumes.Single();
        Assert.That((kept.Status, kept.Generation, kept.Size), Is.EqualTo((StorageStatus.Ready, (int?)2, (long?)16)));
        var disk = DiskIn(plan);
        Assert.That((disk.Readiness, disk.Target?.Name), Is.EqualTo((DiskReadiness.Ready, Name(2))));
        if (fill == CopyFill.Hypervisor)
            Assert.That(disk.Target, Is.EqualTo(before.Target), "what is open stays open");
    }

    [Test]
    public void A_keeper_removes_what_it_had_before_while_its_guest_runs_on_what_came()
    {
        Copy(CopyFill.Hypervisor, generation: 4);
        Put(4);
        Put(1);
        Put(3);
        Tombstone(1);
        Tombstone(3);
        Use(4);
        _orders.HandOver(Host, _volume, _disk, 4);

        var plan = Plan();
        Assert.That(plan.Actions, Is.EqualTo([RemovalOf(1)]));
        Assert.That(plan.Volumes.Single().Status, Is.EqualTo(StorageStatus.Ready));

        _objects.Remove(Name(1));
        plan = Plan();
        Assert.That(plan.Actions, Is.EqualTo([RemovalOf(3)]));
        Assert.That(plan.Tombstones.Select(tombstone => tombstone.Status), Is.EquivalentTo([RemovalStatus.Removed, RemovalStatus.Removing]));
    }

    [Test]
    public void A_keeper_leaves_a_content_of_a_higher_number_alone_unless_a_tombstone_names_it()
    {
        Copy(CopyFill.Hypervisor);
        Put(2);
        Put(5);
        _orders.HandOver(Host, _volume, _disk, 2);

        var plan = Plan();
        Assert.That(plan.Actions, Is.Empty);
        Assert.That(plan.Orphans.Single().Name, Is.EqualTo($"{_pool}:{Name(5)}"));

        Tombstone(5);
        plan = Plan();
        Assert.That(plan.Actions, Is.EqualTo([RemovalOf(5)]));
        Assert.That(plan.Orphans, Is.Empty);
    }

    [Test]
    public void A_keeper_that_was_told_of_a_copy_goes_on_keeping()
    {
        Copy(CopyFill.Fetch, withDoor: true);
        Put(1);
        _orders.Set("host_volume", new HostVolumeDesired { Host = Host, Volume = _volume.Uuid });

        var plan = Plan();

        Assert.That(plan.Actions, Is.Empty);
        Assert.That(CopyIn(plan).Status, Is.EqualTo(StorageStatus.Broken));
        Assert.That(plan.Volumes.Single().Status, Is.EqualTo(StorageStatus.Ready));
    }

    [TestCase(MigrationRole.Receive, true)]
    [TestCase(MigrationRole.Stay, true)]
    [TestCase(MigrationRole.Take, true)]
    [TestCase(MigrationRole.Discard, false)]
    [TestCase(MigrationRole.Send, false)]
    [TestCase(MigrationRole.Keep, false)]
    public void The_disks_of_an_instance_that_comes_are_had_ready(MigrationRole role, bool isComing)
    {
        var shared = _orders.Pool(shareable: true);
        (_volume, _disk) = _orders.Elsewhere(shared);
        _pool = shared;
        Put(1);
        _orders.Move(Host, _disk.Instance, role);

        var disks = Plan().Disks;

        Assert.That(disks.Select(disk => (disk.Readiness, disk.IsOn)), Is.EqualTo(isComing ? [(DiskReadiness.Ready, true)] : Array.Empty<(DiskReadiness, bool)>()));
    }

    [Test]
    public void A_copy_is_the_disk_of_its_own_instance_only()
    {
        Copy(CopyFill.Hypervisor);
        Put(2);
        var other = _orders.Guest(_volume.Uuid);

        Assert.That(Plan().Disks.Single(disk => disk.Vdisk == other.Uuid).Readiness, Is.EqualTo(DiskReadiness.Waiting));
    }

    private void Copy(CopyFill fill, int generation = 2, bool withDoor = false)
    {
        _orders.Copy(Host, _disk, fill, generation);
        _orders.Move(
            Host, _disk.Instance, fill == CopyFill.Hypervisor ? MigrationRole.Receive : MigrationRole.Stay, withDoor ? CopyBook.Door : null);
    }

    private void Put(int generation) => _objects.Add(Name(generation), 16);

    private Guid Tombstone(int generation) => _orders.Tombstone(TombstoneType.Orphan, Name(generation).ToString(), _pool);

    private void Use(int generation) => _uses = new GuestUses([new DiskUse(_disk.Instance, _disk.Uuid, $"/pool/{Name(generation)}")]);

    private void Begin(StorageAction action) => _inFlight[action.Subject] = action;

    private ObjectName Name(int generation) => ObjectName.Volume(_volume.Uuid, generation);

    private StorageObject Object(int generation) => new(Name(generation), _volume.Size);

    private StorageAction.Make FetchOf(int generation) =>
        new(_pool, Object(generation), new VolumeSource.Remote(_disk.Instance, _volume.Uuid, CopyBook.Door));

    private StorageAction.Remove RemovalOf(int generation) => new(_pool, new StorageObject(Name(generation), 0));

    private static (StorageStatus Status, int? Generation, string? Why) CopyIn(StoragePlan plan) =>
        (plan.VolumeCopies.Single().Status, plan.VolumeCopies.Single().Generation, plan.VolumeCopies.Single().Why);

    private PlannedDisk DiskIn(StoragePlan plan) => plan.Disks.Single(disk => disk.Vdisk == _disk.Uuid);

    private StoragePlan Plan()
    {
        var orders = StorageOrders.Read(_orders.Snapshot, _orders.Store.Catalog, Host);
        return StoragePlanner.Plan(new StoragePlannerInput
        {
            Host = Host,
            Orders = orders,
            Types = new HashSet<StoragePoolType> { StoragePoolType.Dir },
            Staging = Working(orders, Guid.NewGuid()),
            Pools = orders.Pools.Keys.ToDictionary(pool => pool, pool => ViewOf(orders, pool)),
            InFlight = _inFlight,
            Failures = _failures,
            Uses = _uses,
            Now = TimeSpan.Zero,
        });
    }

    private static PoolDefinition Working(StorageOrders orders, Guid uuid) =>
        new() { Pool = orders.Pools.Values.First() with { Uuid = uuid } };

    private PoolView ViewOf(StorageOrders orders, Guid pool) => new()
    {
        Definition = orders.DefinitionOf(pool)!,
        Abilities = new PoolAbilities { Publishes = _publishes, Clones = true, Snapshots = true, KeepsImages = true },
        Why = _poolWhy,
        Scan = new PoolScan
        {
            Path = "/pool",
            Capacity = 1000,
            Available = 1000,
            Objects = pool == _pool ? [.. _objects.Keys.Select(name => new FoundObject(name, name.ToString()))] : [],
        },
        Details = pool == _pool ? _objects.ToDictionary(found => found.Key, found => new ObjectDetails { Size = found.Value }) : [],
    };
}
