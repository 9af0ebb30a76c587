using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Tests.Storage;

/// <summary>From any rows and any objects, what is planned leads to what was ordered, and then there is nothing to do.</summary>
public sealed class StoragePlannerProperties
{
    private const int Rounds = 60;

    private static readonly Guid Pool = Uuid(100);
    private static readonly string Own = ObjectName.WorkerOf(StorageOrderBook.Host, Uuid(1));
    private static readonly string Others = ObjectName.WorkerOf(Uuid(200), Uuid(1));

    /// <summary>Of these, tombstones may name some.</summary>
    private static readonly ObjectName[] Names =
        [.. from number in (int[])[1, 2, 4, 5] from generation in (int[])[1, 2, 3] select ObjectName.Volume(Uuid(number), generation)];

    private static Gen<Situation> AnySituation =>
        from volumes in Gen.ListOf(AnyVolume)
        from snapshots in Gen.ListOf(AnySnapshot)
        from objects in Gen.ListOf(AnyObject)
        from dead in Gen.SubListOf([1, 2, 3, 4])
        from hasImage in Gen.Elements(true, false)
        from tombstoned in Gen.SubListOf([Uuid(11), Uuid(12), Uuid(13)])
        from named in Gen.SubListOf(Names)
        from copied in Gen.SubListOf([4, 5])
        select new Situation(
            [.. volumes.DistinctBy(volume => volume.Uuid)], [.. snapshots.DistinctBy(snapshot => snapshot.Uuid)],
            [.. objects.DistinctBy(found => found.Name)], [.. dead.Select(Uuid)], hasImage, [.. tombstoned],
            [.. named], [.. copied.Select(Uuid).Where(volume => !dead.Select(Uuid).Contains(volume))]);

    private static Gen<VolumeDesired> AnyVolume =>
        from number in Gen.Choose(1, 3)
        from size in Gen.Choose(1, 3)
        from state in Gen.Elements(Enum.GetValues<VolumeState>())
        from content in Gen.Elements(Enum.GetValues<VolumeContent>())
        from generation in Gen.Choose(1, 3)
        from source in Gen.Choose(0, 2)
        from revert in Gen.Elements<Guid?>(null, null, Uuid(11), Uuid(12))
        select new VolumeDesired
        {
            Uuid = Uuid(number),
            Name = "volume",
            State = state,
            Size = size,
            StoragePool = Pool,
            Content = content,
            Generation = generation,
            BaseImage = content == VolumeContent.Pending && source == 1 ? Uuid(50) : null,
            BaseVolume = content == VolumeContent.Pending && source == 2 ? Uuid((number % 3) + 1) : null,
            Revert = revert,
            Reverts = revert is null ? 0 : 1,
        };

    private static Gen<SnapshotDesired> AnySnapshot =>
        from number in Gen.Choose(11, 13)
        from volume in Gen.Choose(1, 3)
        from state in Gen.Elements(Enum.GetValues<SnapshotState>())
        select new SnapshotDesired { Uuid = Uuid(number), Volume = Uuid(volume), Name = "snapshot", State = state };

    private static Gen<Found> AnyObject =>
        from kind in Gen.Elements(Enum.GetValues<ObjectKind>())
        from number in Gen.Elements(1, 2, 3, 4, 5, 50, 51)
        from generation in Gen.Choose(1, 3)
        from worker in Gen.Elements<string?>(null, Own, Others)
        from size in Gen.Choose(1, 4)
        from snapshots in Gen.SubListOf([11, 12, 13, 14])
        select new Found(
            new ObjectName(kind, Uuid(number), kind == ObjectKind.Volume ? generation : 0, worker), size, [.. snapshots.Select(Uuid)]);

    [Test]
    public void What_is_planned_leads_to_what_was_ordered_and_then_to_nothing() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Arb.From(AnySituation), Settles));

    private static void Settles(Situation situation)
    {
        var orders = situation.Orders();
        var world = situation.World(orders);
        var before = world.Objects.ToDictionary(found => found.Key, found => found.Value.ToString());

        var plan = world.Settle(Rounds);

        Assert.Multiple(() =>
        {
            var objects = world.Objects.Keys.ToHashSet();
            Assert.That(objects.Where(name => name.IsOf(StorageOrderBook.Host) && !IsUpload(orders, name)), Is.Empty, "left behind");
            foreach (var (name, text) in before.Where(found => IsStray(orders, found.Key)))
                Assert.That(world.Objects.GetValueOrDefault(name)?.ToString(), Is.EqualTo(text), $"{name} is nobody's");
            foreach (var tombstone in orders.Tombstones.Where(tombstone => tombstone.Type == TombstoneType.Volume))
                Assert.That(world.Of(Guid.Parse(tombstone.Target)), Is.Empty, "dead");
            foreach (var name in situation.Named.Where(name => !IsExplained(orders, name)))
                Assert.That(objects, Has.None.EqualTo(name), "a tombstone names it");
            foreach (var copy in orders.VolumeCopies.Values)
            {
                Assert.That(objects, Does.Contain(ObjectName.Volume(copy.Volume, copy.Generation!.Value)), "the copy");
                Assert.That(plan.VolumeCopies.Single(row => row.Volume == copy.Volume).Status, Is.EqualTo(StorageStatus.Ready));
            }
            foreach (var volume in orders.Volumes.Values.Where(volume => orders.Kept.ContainsKey(volume.Uuid)))
                Holds(volume, orders, world, before);
            Assert.That(
                plan.Tombstones.Where(tombstone => tombstone.Status == RemovalStatus.Removing),
                    Is.Empty, "nothing is under way when all is done");
        });
    }

    private static void Holds(
        VolumeDesired volume, StorageOrders orders, PlannerWorld world, Dictionary<ObjectName, string> before)
    {
        var name = ObjectName.Volume(volume.Uuid, volume.Generation);
        var found = world.Objects.GetValueOrDefault(name);
        if (volume.State == VolumeState.Deleted)
        {
            Assert.That(world.Of(volume.Uuid), Is.Empty, "deleted");
            return;
        }
        if (volume.Content != VolumeContent.Pending || volume.State == VolumeState.Optional)
            Assert.That(found is not null, Is.EqualTo(before.ContainsKey(name)), "never made anew");
        else if (volume.BaseImage is null && volume.BaseVolume is null)
            Assert.That(found, Is.Not.Null, "made");
        if (found is null)
            return;
        Assert.That(world.Of(volume.Uuid).Where(other => other.Generation < volume.Generation), Is.Empty, "older");
        var rows = orders.Snapshots.Where(snapshot => snapshot.Volume == volume.Uuid).ToList();
        var present = rows.Where(snapshot => snapshot.State == SnapshotState.Present).Select(snapshot => snapshot.Uuid);
        var deleted = rows.Where(snapshot => snapshot.State == SnapshotState.Deleted).Select(snapshot => snapshot.Uuid);
        Assert.That(found.Snapshots.Keys, Is.SupersetOf(present), "snapshots");
        Assert.That(found.Snapshots.Keys.Intersect(deleted), Is.Empty, "snapshots that go");
        if (volume.Revert is null || found.Snapshots.ContainsKey(volume.Revert.Value))
            Assert.That(found.Size, Is.GreaterThanOrEqualTo(volume.Size), "size");
    }

    private static bool IsUpload(StorageOrders orders, ObjectName name) =>
        orders.Volumes.GetValueOrDefault(name.Uuid)?.Content == VolumeContent.Upload;

    private static bool IsExplained(StorageOrders orders, ObjectName name) =>
        orders.Volumes.GetValueOrDefault(name.Uuid)?.Generation == name.Generation
        || orders.VolumeCopies.GetValueOrDefault(name.Uuid)?.Generation == name.Generation;

    private static bool IsStray(StorageOrders orders, ObjectName name) => !name.IsOf(StorageOrderBook.Host)
        && orders.Tombstones.All(tombstone => tombstone.Target != name.ToString())
        && (name.Kind == ObjectKind.Volume
            ? !orders.Volumes.ContainsKey(name.Uuid) && orders.Tombstones.All(tombstone => tombstone.Target != name.Uuid.ToString())
            : orders.Copies.All(copy => copy.Image != name.Uuid));

    private static Guid Uuid(int number) => new($"00000000-0000-0000-0000-{number:000000000000}");

    private sealed record Found(ObjectName Name, long Size, IReadOnlyList<Guid> Snapshots);

    private sealed record Situation(
        IReadOnlyList<VolumeDesired> Volumes, IReadOnlyList<SnapshotDesired> Snapshots, IReadOnlyList<Found> Objects,
        IReadOnlyList<Guid> Dead, bool HasImage, IReadOnlyList<Guid> DeadSnapshots, IReadOnlyList<ObjectName> Named, IReadOnlyList<Guid> Copied)
    {
        private static readonly StoragePoolDesired PoolRow = new()
        {
            Uuid = Pool,
            Name = "pool",
            Type = StoragePoolType.Dir,
            Config = JsonText.Parse("{}"),
        };

        public StorageOrders Orders()
        {
            var kept = Volumes.ToDictionary(volume => volume.Uuid);
            var volumes = Volumes.Concat(Copied.Select(CopiedOf)).ToDictionary(volume => volume.Uuid);
            var snapshots = Snapshots.Where(snapshot => !DeadSnapshots.Contains(snapshot.Uuid)).ToList();
            return new StorageOrders
            {
                Pools = new Dictionary<Guid, StoragePoolDesired> { [Pool] = PoolRow },
                OwnPools = new Dictionary<Guid, HostStoragePoolDesired>
                {
                    [Pool] = new() { Host = StorageOrderBook.Host, StoragePool = Pool },
                },
                Volumes = volumes,
                Kept = kept.Keys.ToDictionary(
                    volume => volume, volume => new HostVolumeDesired { Host = StorageOrderBook.Host, Volume = volume }),
                VolumeCopies = Copied.ToDictionary(volume => volume, CopyOf),
                Snapshots = snapshots,
                Images = HasImage
                    ? new Dictionary<Guid, ImageDesired>
                    {
                        [Uuid(50)] = new() { Uuid = Uuid(50), Name = "image", SourceUri = "https://images.example/" },
                    }
                    : [],
                Copies = HasImage
                    ? [new ImageCopyDesired { Uuid = Uuid(60), Image = Uuid(50), StoragePool = Pool, Host = StorageOrderBook.Host }]
                    : [],
                Tombstones =
                [
                    .. Dead.Where(volume => !volumes.ContainsKey(volume)).Select(volume => TombstoneOf(TombstoneType.Volume, volume, null)),
                    .. DeadSnapshots.Where(_ => kept.Count > 0)
                        .Select(snapshot => TombstoneOf(TombstoneType.Snapshot, snapshot, kept.Keys.Min())),
                    .. Named.Select((name, index) => new TombstoneDesired
                    {
                        Uuid = Uuid(1000 + index),
                        Type = TombstoneType.Orphan,
                        Target = name.ToString(),
                        StoragePool = Pool,
                        Host = StorageOrderBook.Host,
                    }),
                ],
            };
        }

        public PlannerWorld World(StorageOrders orders)
        {
            var abilities = new PoolAbilities { Publishes = true, Clones = true, Snapshots = true, KeepsImages = true };
            var world = new PlannerWorld(new PoolDefinition { Pool = PoolRow }, abilities, orders);
            foreach (var found in Objects)
            {
                var made = new WorldObject { Size = found.Size };
                foreach (var snapshot in found.Snapshots)
                    made.Snapshots.Add(snapshot, found.Size);
                world.Objects.Add(found.Name, made);
            }
            return world;
        }

        public override string ToString() =>
            $"{string.Join('\n', Volumes)}\n{string.Join('\n', Snapshots)}\n{string.Join('\n', Objects)}\ndead {string.Join(' ', Dead)}\nnamed {string.Join(' ', Named)}\ncopied {string.Join(' ', Copied)}";

        private static VolumeDesired CopiedOf(Guid volume) => new()
        {
            Uuid = volume,
            Name = "copied",
            Size = 2,
            StoragePool = Pool,
            Content = VolumeContent.Made,
        };

        private static HostVolumeCopyDesired CopyOf(Guid volume) => new()
        {
            Host = StorageOrderBook.Host,
            Volume = volume,
            Instance = Uuid(300),
            Fill = CopyFill.Hypervisor,
            Generation = 2,
        };

        private static TombstoneDesired TombstoneOf(TombstoneType type, Guid target, Guid? volume) => new()
        {
            Uuid = Guid.Parse($"{(int)type:00000000}{target.ToString()[8..]}"),
            Type = type,
            Target = target.ToString(),
            Volume = volume,
            StoragePool = Pool,
            Host = StorageOrderBook.Host,
        };
    }
}
