using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Migrations;
using PonyCloud.Sparkle.Storage;
using PonyCloud.Sparkle.Tests.Storage;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>What goes along with an instance, and what keeps it where it is, in words.</summary>
[TestFixture]
public sealed class OwnVolumesTests
{
    private static readonly Guid Instance = StorageInMemory.Number(31);
    private static readonly StoragePoolDesired Own = StorageInMemory.Pool(1);
    private static readonly StoragePoolDesired Shared = StorageInMemory.Pool(2, StoragePoolType.Netfs, shareable: true);
    private static readonly VolumeDesired Root = StorageInMemory.Volume(11, Own) with { Content = VolumeContent.Made };
    private static readonly VolumeDesired Data = StorageInMemory.Volume(12, Shared) with { Content = VolumeContent.Made };

    private StorageInMemory _storage = null!;
    private OwnVolumes _volumes = null!;
    private Guid _here;
    private Guid _there;

    private StateSnapshot State => _storage.Database.Snapshot!;

    [SetUp]
    public void Start()
    {
        _storage = new StorageInMemory();
        _volumes = new OwnVolumes(_storage.Database.Catalog);
        _storage.Put(Own, Shared, Root, Data, Attach(Root), Attach(Data));
        _here = _storage.AddHost(21, (Own, 50), (Shared, 50));
        _there = _storage.AddHost(22, (Own, 50), (Shared, 50));
        _storage.Put(new HostVolumeDesired { Host = _here, Volume = Root.Uuid });
        _storage.Keeps(_here, Root, generation: 1);
    }

    [Test]
    public void A_volume_of_the_place_s_own_goes_along_where_there_is_its_pool()
    {
        Assert.That(WhyNot(), Is.Null);
        Assert.That(WhyNot(to: _here), Is.Null);
        Assert.That(_volumes.Of(State, Instance).KeptBy(_here).Select(volume => volume.Volume.Uuid), Is.EqualTo(new[] { Root.Uuid }));
        var third = _storage.AddHost(23, (Shared, 50));
        Assert.That(WhyNot(to: third), Is.EqualTo("It does not reach the volume volume 11: the pool pool 1 is not ready there."));
        _storage.Report(_there, Shared, 50, StorageStatus.Broken);
        Assert.That(WhyNot(), Is.EqualTo("It does not reach the volume volume 12: the pool pool 2 is not ready there."));
    }

    [Test]
    public void What_was_ordered_of_a_volume_keeps_it_where_it_is()
    {
        Says(Root with { Content = VolumeContent.Pending, Generation = 2 }, "is not made yet");
        Says(Root with { Revert = StorageInMemory.Number(77) }, "is being reverted");
        Says(Root with { Image = StorageInMemory.Number(78) }, "holds an image");
        Says(Root with { Shareable = true }, "may be had by other instances too");
        _storage.Put(Root);
        var other = StorageInMemory.Volume(13, Own) with { BaseVolume = Root.Uuid };
        _storage.Put(other);
        Assert.That(WhyNot(), Is.EqualTo("Its volume volume 11 is being copied to another volume."));
        _storage.Put(other with { BaseVolume = null });
        _storage.Put(new SnapshotDesired { Uuid = StorageInMemory.Number(79), Volume = Root.Uuid, Name = "before", State = SnapshotState.Deleted });
        Assert.That(WhyNot(), Is.EqualTo("Its volume volume 11 has snapshots, and a copy of it would have none."), "as long as there is any of it");

        void Says(VolumeDesired volume, string why)
        {
            _storage.Database.Put(volume);
            Assert.That(WhyNot(), Is.EqualTo($"Its volume volume 11 {why}."));
        }
    }

    [TestCase(StoragePoolType.Iscsi)]
    [TestCase(StoragePoolType.SharedLvm)]
    public void A_pool_whose_volumes_have_no_names_keeps_them(StoragePoolType type)
    {
        _storage.Put(Own with { Type = type });
        Assert.That(WhyNot(), Is.EqualTo("Its volume volume 11 is in pool 1, and volumes of such a pool are not copied."));
    }

    [Test]
    public void A_volume_that_its_keeper_is_at_work_on_is_waited_for()
    {
        _storage.Database.Report(new HostVolumeCurrent { Host = _here, Volume = Root.Uuid, Status = StorageStatus.Preparing, Generation = 1 });
        Assert.That(WhyNot(), Is.EqualTo("Its volume volume 11 is not ready at host 21."));
        _storage.Keeps(_here, Root, generation: 7);
        Assert.That(WhyNot(), Is.EqualTo("Its volume volume 11 is not ready at host 21."), "it speaks of another content");
    }

    [Test]
    public void A_volume_that_is_kept_by_neither_host_is_not_reached()
    {
        var third = _storage.AddHost(23, (Own, 50), (Shared, 50));
        Assert.That(WhyNot(to: third, place: _there), Is.EqualTo("Its volume volume 11 is kept by host 21, and the instance is at host 22."));
        Assert.That(WhyNot(to: _here, place: _there), Is.Null, "it waits there already");
        Assert.That(WhyNot(isPlaced: false), Is.EqualTo("Its volume volume 11 is in pool 1, a pool of the host's own, and is reached by no other host."));
        _storage.Database.Remove("host_volume", RowKey.Of(_here.ToString(), Root.Uuid.ToString()));
        Assert.That(WhyNot(), Is.EqualTo("Its volume volume 11 is on no host."));
    }

    [Test]
    public void There_must_be_room_for_all_that_goes_along_and_a_copy_takes_its_room_once()
    {
        var second = StorageInMemory.Volume(14, Own, 45) with { Content = VolumeContent.Made };
        _storage.Put(second, Attach(second), new HostVolumeDesired { Host = _here, Volume = second.Uuid });
        _storage.Keeps(_here, second, generation: 1);
        Assert.That(WhyNot(), Does.EndWith(" has to be copied, and the pool pool 1 has no room for 55 MiB there."));
        _storage.Report(_there, Own, 55);
        Assert.That(WhyNot(), Is.Null);
        _storage.Put(Copy(Root), Copy(second));
        Assert.That(WhyNot(), Is.Null);
        var ready = _storage.Database.Snapshot![_storage.Database.Catalog["host_storage_pool"]].Find(RowKey.Of(_there.ToString(), Own.Uuid.ToString()))!.Current;
        var rooms = new PoolRooms(new StorageRows(_storage.Database.Catalog), State);
        Assert.That(rooms.Of((HostStoragePoolCurrent)ready!, Own), Is.Zero, "what comes has its room");
        _storage.Database.Report(Whole(Root, 2));
        Assert.That(new PoolRooms(new StorageRows(_storage.Database.Catalog), State).Of((HostStoragePoolCurrent)ready!, Own), Is.EqualTo(10), "what is there the host counts itself");
    }

    [Test]
    public void The_limit_of_a_pool_is_not_in_the_way_of_what_it_has_already()
    {
        _storage.Put(Own with { Size = 10 });
        Assert.That(WhyNot(), Is.Null);
    }

    [Test]
    public void Of_a_keeper_that_is_gone_only_a_whole_copy_that_was_fetched_is_reached()
    {
        _storage.Database.Remove("host_volume", RowKey.Of(_here.ToString(), Root.Uuid.ToString()));
        Assert.That(WhyNot(isPlaced: false), Is.EqualTo("Its volume volume 11 was on a host that is gone, and no whole copy of it is there."));
        _storage.Database.Put(Copy(Root) with { Generation = 2, Fill = CopyFill.Hypervisor });
        _storage.Database.Report(Whole(Root, 2));
        Assert.That(WhyNot(isPlaced: false), Does.EndWith("no whole copy of it is there."), "room is no content");
        _storage.Database.Put(Copy(Root) with { Generation = 3 });
        Assert.That(WhyNot(isPlaced: false), Does.EndWith("no whole copy of it is there."), "it speaks of another copy");
        _storage.Database.Report(Whole(Root, 3));
        Assert.That(WhyNot(isPlaced: false), Is.Null);
        var third = _storage.AddHost(23, (Own, 50), (Shared, 50));
        Assert.That(WhyNot(to: third, isPlaced: false), Is.EqualTo("Its volume volume 11 was on a host that is gone, and host 22 has the whole copy of it."));
    }

    private static VdiskDesired Attach(VolumeDesired volume) =>
        new() { Uuid = StorageInMemory.Number(100 + volume.Uuid.ToByteArray()[0]), Instance = Instance, Volume = volume.Uuid, Index = 0 };

    private HostVolumeCopyDesired Copy(VolumeDesired volume) => new()
    {
        Host = _there,
        Volume = volume.Uuid,
        Instance = Instance,
        Fill = CopyFill.Fetch,
        Generation = 2,
    };

    private HostVolumeCopyCurrent Whole(VolumeDesired volume, int generation) => new()
    {
        Host = _there,
        Volume = volume.Uuid,
        Status = StorageStatus.Ready,
        Generation = generation,
    };

    private string? WhyNot(Guid? to = null, Guid? place = null, bool isPlaced = true) =>
        _volumes.WhyNot(State, Instance, _volumes.Of(State, Instance), isPlaced ? place ?? _here : null, to ?? _there);
}
