using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Storage;

/// <summary>What users are shown of volumes, images, snapshots, pools and what nobody knows.</summary>
[TestFixture]
public sealed class StorageViewTests
{
    private static readonly StoragePoolDesired Own = StorageInMemory.Pool(1);
    private static readonly StoragePoolDesired Shared = StorageInMemory.Pool(2, StoragePoolType.Netfs, shareable: true);
    private static readonly VolumeDesired Volume = StorageInMemory.Volume(11, Own);
    private static readonly ImageDesired Image = new() { Uuid = StorageInMemory.Number(51), Name = "debian", SourceUri = "https://example.org/debian" };

    private StorageInMemory _storage = null!;

    [SetUp]
    public void Start() => _storage = new StorageInMemory();

    [Test]
    public void A_volume_says_why_it_waits_and_then_what_its_host_does()
    {
        _storage.Put(Own, Volume);
        Assert.That(_storage.Shown<VolumeCurrent>(), Is.EqualTo(
            new VolumeCurrent { Uuid = Volume.Uuid, Status = VolumeStatus.Waiting, Why = "No host that is present has its pool ready." }));

        var host = _storage.AddHost(21, (Own, 50));
        Assert.That(_storage.Shown<VolumeCurrent>()?.Why, Is.EqualTo("Its host has not reported it yet."));

        var report = new HostVolumeCurrent
        {
            Host = host,
            Volume = Volume.Uuid,
            Status = StorageStatus.Preparing,
            Size = 10,
            Allocated = 2,
            Progress = 20,
            Bytes = 2_097_152,
            Rate = 1_048_576,
        };
        _storage.Database.Report(report);
        Assert.That(_storage.Shown<VolumeCurrent>(), Is.EqualTo(new VolumeCurrent
        {
            Uuid = Volume.Uuid,
            Status = VolumeStatus.Preparing,
            Size = 10,
            Allocated = 2,
            Progress = 20,
            Bytes = 2_097_152,
            Rate = 1_048_576,
        }));

        _storage.Database.Report(report with { Status = StorageStatus.Broken, Why = "Its file is not there." });
        Assert.That((_storage.Shown<VolumeCurrent>()!.Status, _storage.Shown<VolumeCurrent>()!.Why), Is.EqualTo((VolumeStatus.Broken, "Its file is not there.")));
    }

    [Test]
    public void What_a_silent_host_last_said_is_shown_with_its_age()
    {
        _storage.Put(Own, Volume);
        var host = _storage.AddHost(21, (Own, 50));
        _storage.Keeps(host, Volume);

        _storage.Database.Report(StorageInMemory.Heard(host, HostStatus.Unreachable) with { LastSeen = DateTimeOffset.UnixEpoch });

        Assert.That(
            (_storage.Shown<VolumeCurrent>()!.Status, _storage.Shown<VolumeCurrent>()!.StaleSince),
            Is.EqualTo((VolumeStatus.Ready, (DateTimeOffset?)DateTimeOffset.UnixEpoch)));
    }

    [TestCase(VolumeContent.Made, VolumeState.Present, false, VolumeStatus.Lost)]
    [TestCase(VolumeContent.Made, VolumeState.Present, true, VolumeStatus.Waiting)]
    [TestCase(VolumeContent.Pending, VolumeState.Optional, false, VolumeStatus.Absent)]
    [TestCase(VolumeContent.Pending, VolumeState.Deleted, true, VolumeStatus.Absent)]
    public void A_volume_without_a_host(VolumeContent content, VolumeState state, bool isShared, VolumeStatus status)
    {
        var pool = isShared ? Shared : Own;
        _storage.Put(pool, Volume with { Content = content, State = state, StoragePool = pool.Uuid });
        Assert.That(_storage.Shown<VolumeCurrent>()?.Status, Is.EqualTo(status));
    }

    [Test]
    public void A_volume_of_shared_disks_says_that_they_have_too_little_room()
    {
        var pool = StorageInMemory.Pool(3, StoragePoolType.SharedLvm, shareable: true);
        _storage.Put(pool, new DiskDesired { Id = "a", Type = DiskType.Iscsi, StoragePool = pool.Uuid, Size = 4 });
        var host = _storage.AddHost(21, (pool, 0));

        _storage.Put(StorageInMemory.Volume(11, pool));
        _storage.Keeps(host, Volume);

        Assert.That(_storage.Shown<VolumeCurrent>()?.Why, Is.EqualTo("It needs 10 MiB more, and its pool has 4 MiB free."));
    }

    [Test]
    public void A_row_that_is_gone_shows_nothing()
    {
        _storage.Put(Own, Image with { SourceUri = null }, Volume with { Image = Image.Uuid });
        Assert.That((_storage.Shown<VolumeCurrent>()?.Status, _storage.Shown<ImageCurrent>()?.Status), Is.EqualTo(((VolumeStatus?)VolumeStatus.Waiting, (ImageStatus?)ImageStatus.Preparing)));

        _storage.Database.Remove("volume", RowKey.Of(Volume.Uuid));
        Assert.That((_storage.Shown<VolumeCurrent>(), _storage.Shown<ImageCurrent>()?.Status), Is.EqualTo(((VolumeCurrent?)null, ImageStatus.Empty)));
    }

    [Test]
    public void An_image_is_as_far_as_the_best_of_its_copies()
    {
        _storage.Put(Own, Image);
        Assert.That(_storage.Shown<ImageCurrent>()?.Status, Is.EqualTo(ImageStatus.Idle));

        var copies = Enumerable.Range(61, 2).Select(number => new ImageCopyDesired
        {
            Uuid = StorageInMemory.Number(number),
            Image = Image.Uuid,
            StoragePool = Own.Uuid,
            Host = StorageInMemory.Number(number),
        }).ToArray();
        _storage.Put(copies);
        Assert.That(_storage.Shown<ImageCurrent>()?.Status, Is.EqualTo(ImageStatus.Preparing));

        _storage.Database.Report(Copy(copies[0]) with { Status = StorageStatus.Broken, Why = "The server answers 404." });
        Assert.That((_storage.Shown<ImageCurrent>()!.Status, _storage.Shown<ImageCurrent>()!.Why), Is.EqualTo((ImageStatus.Broken, "The server answers 404.")));

        _storage.Database.Report(Copy(copies[1]) with { Format = "qcow2", Size = 2048 });
        Assert.That(_storage.Shown<ImageCurrent>(), Is.EqualTo(new ImageCurrent { Uuid = Image.Uuid, Status = ImageStatus.Ready, Format = "qcow2", Size = 2048 }));

        static HostImageCurrent Copy(ImageCopyDesired copy) => new() { Host = copy.Host, ImageCopy = copy.Uuid, Status = StorageStatus.Ready };
    }

    [Test]
    public void A_snapshot_is_as_the_host_that_keeps_the_volume_says()
    {
        var snapshot = new SnapshotDesired { Uuid = StorageInMemory.Number(71), Volume = Volume.Uuid, Name = "before" };
        _storage.Put(Own, Volume, snapshot);
        Assert.That(_storage.Shown<SnapshotCurrent>()?.Why, Is.EqualTo("No host keeps its volume."));

        var host = _storage.AddHost(21, (Own, 50));
        var taken = new HostSnapshotCurrent { Host = StorageInMemory.Number(22), Snapshot = snapshot.Uuid, Status = StorageStatus.Ready, Taken = DateTimeOffset.UnixEpoch };
        _storage.Database.Report(taken);
        Assert.That(_storage.Shown<SnapshotCurrent>()?.Status, Is.EqualTo(SnapshotStatus.Waiting), "another host");

        _storage.Database.Report(taken with { Host = host });
        Assert.That(_storage.Shown<SnapshotCurrent>(), Is.EqualTo(
            new SnapshotCurrent { Uuid = snapshot.Uuid, Status = SnapshotStatus.Ready, Taken = DateTimeOffset.UnixEpoch }));
    }

    [TestCase(false, 90, 30)]
    [TestCase(true, 50, 10)]
    public void A_pool_is_what_its_hosts_have_and_its_volumes_may_take(bool isShared, long total, long available)
    {
        var pool = Own with { Shareable = isShared };
        _storage.Put(pool);
        Assert.That(_storage.Shown<StoragePoolCurrent>(), Is.EqualTo(
            new StoragePoolCurrent { Uuid = pool.Uuid, Status = StorageStatus.Broken, Ordered = 0, Why = "No host is to have it." }));

        Report(_storage.AddHost(21, (pool, 0)), 50, 10);
        Report(_storage.AddHost(22, (pool, 0)), 40, 20);
        _storage.Put(Volume, StorageInMemory.Volume(12, pool, 15));
        Assert.That(_storage.Shown<StoragePoolCurrent>(), Is.EqualTo(
            new StoragePoolCurrent { Uuid = pool.Uuid, Status = StorageStatus.Ready, Total = total, Available = available, Ordered = 25 }));

        _storage.Put(Volume with { Size = 30 }, StorageInMemory.Volume(12, pool, 15) with { State = VolumeState.Deleted });
        Assert.That(_storage.Shown<StoragePoolCurrent>()?.Ordered, Is.EqualTo(30));

        void Report(Guid host, long capacity, long free) => _storage.Database.Report(new HostStoragePoolCurrent
        {
            Host = host,
            StoragePool = pool.Uuid,
            Status = StorageStatus.Ready,
            Capacity = capacity,
            Available = free,
        });
    }

    [Test]
    public void Something_is_an_orphan_while_no_row_explains_it()
    {
        var host = _storage.AddHost(21);
        var orphan = new HostOrphanCurrent
        {
            Host = host,
            Name = $"{Shared.Uuid}:volume-{Volume.Uuid}.1",
            StoragePool = Shared.Uuid,
            Type = OrphanType.Volume,
            Target = Volume.Uuid,
            Size = 10,
        };
        var keeper = StorageInMemory.Number(22);
        _storage.Put(Shared);
        _storage.Database.Report(orphan);
        Assert.That(_storage.Shown<OrphanCurrent>(), Is.EqualTo(new OrphanCurrent
        {
            Name = orphan.Name,
            StoragePool = Shared.Uuid,
            Host = host,
            Type = OrphanType.Volume,
            Target = Volume.Uuid,
            Size = 10,
        }));

        _storage.Put(Volume with { StoragePool = Shared.Uuid, Content = VolumeContent.Made }, new HostVolumeDesired { Host = keeper, Volume = Volume.Uuid });
        Assert.That(_storage.Shown<OrphanCurrent>(), Is.Null, "another host keeps it");

        _storage.Database.Remove("volume", RowKey.Of(Volume.Uuid));
        Assert.That(_storage.Shown<OrphanCurrent>(), Is.Not.Null);

        _storage.Put(new TombstoneDesired { Uuid = StorageInMemory.Number(81), Target = orphan.Name, StoragePool = Shared.Uuid, Host = host });
        Assert.That(_storage.Shown<OrphanCurrent>(), Is.Null, "it is to be removed");
    }
}
