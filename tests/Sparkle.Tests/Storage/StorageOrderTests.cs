using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Storage;

/// <summary>Orders that were carried out, what is left of deleted things, and who looks through shared pools.</summary>
[TestFixture]
public sealed class StorageOrderTests
{
    private static readonly StoragePoolDesired Own = StorageInMemory.Pool(1);
    private static readonly StoragePoolDesired Shared = StorageInMemory.Pool(2, StoragePoolType.Netfs, shareable: true);
    private static readonly VolumeDesired Volume = StorageInMemory.Volume(11, Own) with { Generation = 2, Generations = 2, Reverts = 3 };

    private StorageInMemory _storage = null!;
    private Guid _host;

    [SetUp]
    public void Start()
    {
        _storage = new StorageInMemory();
        _storage.Put(Own, Shared);
        _host = _storage.AddHost(21, (Own, 100), (Shared, 100));
    }

    [Test]
    public void A_content_is_made_when_its_keeper_says_that_this_very_one_is()
    {
        var image = new ImageDesired { Uuid = StorageInMemory.Number(51), Name = "debian", SourceUri = "https://example.org/debian" };
        _storage.Put(image, Volume with { BaseImage = image.Uuid });

        _storage.Keeps(_host, Volume, generation: 1);
        Assert.That(_storage.Find(Volume).Content, Is.EqualTo(VolumeContent.Pending), "an older one");

        _storage.Keeps(_host, Volume, generation: 2);
        Assert.That(_storage.Find(Volume), Is.EqualTo(Volume with { Content = VolumeContent.Made }));
    }

    [Test]
    public void Another_host_that_says_so_is_not_believed()
    {
        _storage.Put(Volume);
        _storage.Keeps(_storage.AddHost(22, (Own, 100)), Volume, generation: 2);
        Assert.That(_storage.Find(Volume).Content, Is.EqualTo(VolumeContent.Pending));
    }

    [Test]
    public void An_order_that_comes_meanwhile_is_not_taken_for_the_one_that_was_carried_out()
    {
        var image = new ImageDesired { Uuid = StorageInMemory.Number(51), Name = "debian", SourceUri = "https://example.org/debian" };
        var newer = Volume with { Generation = 3, BaseImage = image.Uuid };
        _storage.Put(image, Volume);
        _storage.Database.Interrupt(() => _storage.Database.Put(newer));

        _storage.Keeps(_host, Volume, generation: 2);
        _storage.Run(TimeSpan.FromMinutes(1));

        Assert.That(_storage.Find(Volume), Is.EqualTo(newer));
    }

    [Test]
    public void A_revert_is_done_when_its_count_is_echoed()
    {
        var reverting = Volume with { Content = VolumeContent.Made, Revert = StorageInMemory.Number(71) };
        _storage.Put(reverting, new HostVolumeDesired { Host = _host, Volume = Volume.Uuid });

        _storage.Keeps(_host, Volume, generation: 2, reverts: 2);
        Assert.That(_storage.Find(Volume), Is.EqualTo(reverting));

        _storage.Keeps(_host, Volume, generation: 2, reverts: 3);
        Assert.That(_storage.Find(Volume), Is.EqualTo(reverting with { Revert = null }));
    }

    [Test]
    public void What_was_wiped_for_a_volume_is_noted_as_its_keeper_says_and_never_taken_back()
    {
        _storage.Put(Volume with { Size = 10, Cleared = 99 }, new HostVolumeDesired { Host = _host, Volume = Volume.Uuid });

        _storage.Keeps(_host, Volume, generation: 2, cleared: 10);
        Assert.That((_storage.Find(Volume).Content, _storage.Find(Volume).Cleared), Is.EqualTo((VolumeContent.Made, 10L)), "of this content");

        _storage.Keeps(_host, Volume, generation: 1, cleared: 30);
        Assert.That(_storage.Find(Volume).Cleared, Is.EqualTo(10), "of an older one");
        _storage.Keeps(_storage.AddHost(22, (Own, 100)), Volume, generation: 2, cleared: 30);
        Assert.That(_storage.Find(Volume).Cleared, Is.EqualTo(10), "from another host");
        _storage.Keeps(_host, Volume, generation: 2, cleared: 20);
        Assert.That(_storage.Find(Volume).Cleared, Is.EqualTo(20));
        _storage.Keeps(_host, Volume, generation: 2, cleared: 15);
        Assert.That(_storage.Find(Volume).Cleared, Is.EqualTo(20));
    }

    [Test]
    public void Of_a_volume_that_was_made_before_anybody_noted_what_was_wiped_its_keeper_says_what_it_offers()
    {
        var old = Volume with { Size = 10, Content = VolumeContent.Made };
        _storage.Put(old, new HostVolumeDesired { Host = _host, Volume = Volume.Uuid });

        _storage.Keeps(_host, Volume, generation: 2);
        Assert.That(_storage.Find(Volume).Cleared, Is.Null, "where pools see to that themselves");
        _storage.Keeps(_host, Volume, generation: 2, cleared: 10);
        Assert.That(_storage.Find(Volume), Is.EqualTo(old with { Cleared = 10 }));
    }

    [Test]
    public void What_a_volume_was_made_from_is_let_go_once_it_is_made()
    {
        var source = StorageInMemory.Volume(12, Own) with { Content = VolumeContent.Made };
        _storage.Put(source, new HostVolumeDesired { Host = _host, Volume = source.Uuid }, Volume with { BaseVolume = source.Uuid });

        _storage.Keeps(_host, Volume, generation: 2);

        Assert.That(_storage.KeptOf(Volume), Is.EqualTo(new HostVolumeDesired { Host = _host, Volume = Volume.Uuid }));
    }

    [Test]
    public void What_is_left_of_something_is_removed_by_a_host_that_reaches_it_and_then_forgotten()
    {
        var tombstone = Tombstone(Shared, null);
        _storage.Put(tombstone);
        Assert.That(_storage.All<TombstoneDesired>().Single().Host, Is.EqualTo(_host));

        Removal(_host, tombstone, RemovalStatus.Removing);
        Assert.That(_storage.All<TombstoneDesired>(), Has.Count.EqualTo(1));
        Removal(_host, tombstone, RemovalStatus.Removed);
        Assert.That(_storage.All<TombstoneDesired>(), Is.Empty);
    }

    [Test]
    public void What_is_left_waits_for_a_host_that_reaches_it()
    {
        _storage.Lose(_host);
        _storage.Put(Tombstone(Shared, null));
        Assert.That(_storage.All<TombstoneDesired>().Single().Host, Is.Null);

        var host = _storage.AddHost(22, (Shared, 1));
        Assert.That(_storage.All<TombstoneDesired>().Single().Host, Is.EqualTo(host));
    }

    [Test]
    public void A_host_that_is_not_to_remove_it_is_not_believed()
    {
        var tombstone = Tombstone(Shared, _host);
        _storage.Put(tombstone);
        Removal(_storage.AddHost(22, (Shared, 1)), tombstone, RemovalStatus.Removed);
        Assert.That(_storage.All<TombstoneDesired>(), Is.EqualTo(new[] { tombstone }));
    }

    [Test]
    public void An_operator_says_that_nothing_is_left()
    {
        _storage.Put(Tombstone(Shared, _host) with { Done = true });
        Assert.That(_storage.All<TombstoneDesired>(), Is.Empty);
    }

    [Test]
    public void A_snapshot_is_removed_by_the_host_that_keeps_the_volume()
    {
        var keeper = _storage.AddHost(22, (Shared, 100));
        var volume = StorageInMemory.Volume(12, Shared) with { Content = VolumeContent.Made };
        _storage.Put(volume, new HostVolumeDesired { Host = keeper, Volume = volume.Uuid });

        _storage.Put(Tombstone(Shared, null) with { Type = TombstoneType.Snapshot, Volume = volume.Uuid });

        Assert.That(_storage.All<TombstoneDesired>().Single().Host, Is.EqualTo(keeper));
    }

    [Test]
    public void One_present_host_of_a_shared_pool_looks_through_it()
    {
        Assert.That(Stewards(), Is.EqualTo(new[] { _host }));

        var other = _storage.AddHost(20, (Shared, 100));
        Assert.That(Stewards(), Is.EqualTo(new[] { _host }), "it stays where it is");

        _storage.Hear(_host, HostStatus.Unreachable);
        Assert.That(Stewards(), Is.EqualTo(new[] { other }));

        _storage.Hear(_host, HostStatus.Present);
        Assert.That(Stewards(), Is.EqualTo(new[] { other }));
    }

    private IEnumerable<Guid> Stewards() => _storage.All<HostStoragePoolDesired>().Where(pool => pool.Steward).Select(pool => pool.Host);

    private static TombstoneDesired Tombstone(StoragePoolDesired pool, Guid? host) => new()
    {
        Uuid = StorageInMemory.Number(81),
        Type = TombstoneType.Volume,
        Target = StorageInMemory.Number(19).ToString(),
        StoragePool = pool.Uuid,
        Host = host,
    };

    private void Removal(Guid host, TombstoneDesired tombstone, RemovalStatus status)
    {
        _storage.Database.Report(new HostTombstoneCurrent { Host = host, Tombstone = tombstone.Uuid, Status = status });
        _storage.Run();
    }
}
