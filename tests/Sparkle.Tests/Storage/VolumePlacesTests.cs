using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Tests.Storage;

[TestFixture]
public sealed class VolumePlacesTests
{
    private static readonly StoragePoolDesired Own = StorageInMemory.Pool(1);
    private static readonly StoragePoolDesired Shared = StorageInMemory.Pool(2, StoragePoolType.Netfs, shareable: true);
    private static readonly VolumeDesired Volume = StorageInMemory.Volume(11, Own);
    private static readonly VolumeDesired Other = StorageInMemory.Volume(12, Own);

    private StorageInMemory _storage = null!;

    [SetUp]
    public void Start()
    {
        _storage = new StorageInMemory();
        _storage.Put(Own, Shared);
    }

    [Test]
    public void A_volume_is_kept_by_the_host_with_the_most_room()
    {
        _storage.AddHost(21, (Own, 50));
        var host = _storage.AddHost(22, (Own, 60));

        _storage.Put(Volume);

        Assert.That(_storage.KeeperOf(Volume), Is.EqualTo(host));
        Assert.That(_storage.WhyNot(Volume), Is.Null);
    }

    [Test]
    public void Room_that_is_promised_to_one_volume_is_not_offered_to_the_next()
    {
        var first = _storage.AddHost(21, (Own, 50));
        var second = _storage.AddHost(22, (Own, 45));

        _storage.Put(Volume with { Size = 40 }, Other with { Size = 40 }, StorageInMemory.Volume(13, Own, 40));

        Assert.That(_storage.All<HostVolumeDesired>().Select(kept => kept.Host), Is.EquivalentTo([first, second]));
        Assert.That(_storage.WhyNot(StorageInMemory.Volume(13, Own)), Is.EqualTo("Its pool has no room for 40 MiB."));
    }

    [Test]
    public void A_pool_gives_out_no_more_than_its_size()
    {
        _storage.Put(Own with { Size = 15 });
        _storage.AddHost(21, (Own, 50));

        _storage.Put(Volume, Other);

        Assert.That(_storage.All<HostVolumeDesired>(), Has.Count.EqualTo(1));
        _storage.Put(Own with { Size = 20 });
        Assert.That(_storage.All<HostVolumeDesired>(), Has.Count.EqualTo(2));
    }

    [Test]
    public void A_volume_waits_until_a_host_has_its_pool()
    {
        _storage.Put(Volume);
        Assert.That(_storage.WhyNot(Volume), Is.EqualTo("No host that is present has its pool ready."));

        var host = _storage.AddHost(21);
        _storage.Put(new HostStoragePoolDesired { Host = host, StoragePool = Own.Uuid });
        _storage.Report(host, Own, 50, StorageStatus.Preparing);
        Assert.That(_storage.KeeperOf(Volume), Is.Null);

        _storage.Report(host, Own, 50);
        Assert.That(_storage.KeeperOf(Volume), Is.EqualTo(host));
    }

    [TestCase(VolumeState.Optional)]
    [TestCase(VolumeState.Deleted)]
    public void What_nobody_wants_made_gets_no_host(VolumeState state)
    {
        _storage.AddHost(21, (Own, 50));
        _storage.Put(Volume with { State = state });
        Assert.That((_storage.KeeperOf(Volume), _storage.WhyNot(Volume)), Is.EqualTo(((Guid?)null, (string?)null)));
    }

    [Test]
    public void A_silent_host_keeps_its_volume_and_a_host_that_is_gone_hands_a_shared_one_on()
    {
        var volume = Volume with { StoragePool = Shared.Uuid };
        var first = _storage.AddHost(21, (Shared, 50));
        _storage.Put(volume);
        var second = _storage.AddHost(22, (Shared, 50));

        _storage.Hear(first, HostStatus.Unreachable);
        Assert.That(_storage.KeeperOf(volume), Is.EqualTo(first));

        _storage.Lose(first);
        Assert.That(_storage.KeeperOf(volume), Is.EqualTo(second));
    }

    [Test]
    public void What_was_made_and_lost_its_host_waits_for_whoever_has_that_very_content()
    {
        var made = Volume with { Content = VolumeContent.Made, Generation = 2 };
        var host = _storage.AddHost(21, (Own, 50));
        _storage.Put(made);
        Assert.That(_storage.WhyNot(made), Is.EqualTo("The host that had it is gone, and no other has it."));

        _storage.Database.Report(Orphan(host, made with { Generation = 1 }));
        _storage.Run();
        Assert.That(_storage.KeeperOf(made), Is.Null, "an older content");

        _storage.Database.Report(Orphan(host, made));
        _storage.Run();
        Assert.That(_storage.KeeperOf(made), Is.EqualTo(host));
    }

    [Test]
    public void A_copy_is_made_where_the_volume_is_that_it_is_a_copy_of()
    {
        var host = _storage.AddHost(21, (Own, 50));
        _storage.Put(Other with { Content = VolumeContent.Made }, new HostVolumeDesired { Host = host, Volume = Other.Uuid });
        _storage.AddHost(22, (Own, 90));

        _storage.Put(Volume with { BaseVolume = Other.Uuid });

        Assert.That(_storage.KeptOf(Volume), Is.EqualTo(new HostVolumeDesired { Host = host, Volume = Volume.Uuid, SourceVolume = Other.Uuid }));
    }

    [Test]
    public void A_copy_of_what_no_host_has_waits()
    {
        _storage.AddHost(21, (Own, 5));
        _storage.Put(Other, Volume with { BaseVolume = Other.Uuid });
        Assert.That(_storage.WhyNot(Volume), Is.EqualTo("The volume that it is to be made from is on no host yet."));
    }

    [Test]
    public void A_copy_into_a_shared_pool_is_made_by_a_host_that_reaches_both()
    {
        _storage.AddHost(21, (Shared, 90));
        var host = _storage.AddHost(22, (Shared, 90), (Own, 50));
        _storage.Put(Other with { Content = VolumeContent.Made }, new HostVolumeDesired { Host = host, Volume = Other.Uuid });

        _storage.Put(Volume with { StoragePool = Shared.Uuid, BaseVolume = Other.Uuid });

        Assert.That(_storage.KeeperOf(Volume), Is.EqualTo(host));
    }

    [Test]
    public void Another_order_changes_what_a_volume_is_made_from()
    {
        var host = _storage.AddHost(21, (Own, 90));
        _storage.Put(Other with { Content = VolumeContent.Made }, new HostVolumeDesired { Host = host, Volume = Other.Uuid });
        _storage.Put(Volume with { BaseVolume = Other.Uuid });

        _storage.Put(Volume with { Generation = 2 });

        Assert.That(_storage.KeptOf(Volume), Is.EqualTo(new HostVolumeDesired { Host = host, Volume = Volume.Uuid }));
    }

    [Test]
    public void The_volumes_of_an_instance_are_kept_by_one_host_and_where_it_is()
    {
        var instance = StorageInMemory.Number(31);
        _storage.AddHost(21, (Own, 90));
        var host = _storage.AddHost(22, (Own, 50));
        _storage.Put(
            new HostInstanceDesired { Host = host, Instance = instance },
            new VdiskDesired { Uuid = StorageInMemory.Number(41), Instance = instance, Volume = Volume.Uuid },
            new VdiskDesired { Uuid = StorageInMemory.Number(42), Instance = StorageInMemory.Number(32), Volume = Volume.Uuid },
            new VdiskDesired { Uuid = StorageInMemory.Number(43), Instance = StorageInMemory.Number(32), Volume = Other.Uuid });

        _storage.Put(Volume, Other);

        Assert.That((_storage.KeeperOf(Volume), _storage.KeeperOf(Other)), Is.EqualTo(((Guid?)host, (Guid?)host)));
    }

    [Test]
    public void An_image_is_fetched_once_by_each_host_and_once_for_a_shared_pool()
    {
        var image = new ImageDesired { Uuid = StorageInMemory.Number(51), Name = "debian", SourceUri = "https://example.org/debian" };
        var host = _storage.AddHost(21, (Own, 90), (Shared, 90));
        var second = _storage.AddHost(22, (Own, 75), (Shared, 90));
        _storage.Put(image);

        _storage.Put([.. Enumerable.Range(60, 4).Select(number => StorageInMemory.Volume(number, Own, 20) with { BaseImage = image.Uuid })]);
        _storage.Put([.. Enumerable.Range(70, 4).Select(number => StorageInMemory.Volume(number, Shared, 20) with { BaseImage = image.Uuid })]);

        Assert.That(
            _storage.All<ImageCopyDesired>().Select(copy => (copy.StoragePool, copy.StoragePool == Own.Uuid ? copy.Host : default)),
            Is.EquivalentTo([(Own.Uuid, host), (Own.Uuid, second), (Shared.Uuid, default)]));
    }

    [Test]
    public void A_volume_is_filled_from_the_volume_that_holds_its_image()
    {
        var image = new ImageDesired { Uuid = StorageInMemory.Number(51), Name = "golden" };
        _storage.AddHost(21, (Own, 90));
        _storage.Put(image, Volume with { BaseImage = image.Uuid });
        Assert.That(_storage.WhyNot(Volume), Is.EqualTo("Its image has no content: neither a source nor a volume that holds it."));

        _storage.Put(Other with { Image = image.Uuid });
        Assert.That(_storage.WhyNot(Volume), Is.EqualTo("The volume that holds the content of its image is not made yet."));

        _storage.Keeps(_storage.KeeperOf(Other)!.Value, Other, generation: 1);
        Assert.That(_storage.KeptOf(Volume)?.SourceVolume, Is.EqualTo(Other.Uuid));
        Assert.That(_storage.All<ImageCopyDesired>(), Is.Empty);
    }

    [Test]
    public void A_volume_becomes_the_smallest_unit_that_suffices_and_that_nothing_is_in()
    {
        var pool = StorageInMemory.Pool(3, StoragePoolType.Iscsi, shareable: true);
        _storage.Put(pool, new TombstoneDesired { Uuid = StorageInMemory.Number(81), Target = "x", StoragePool = pool.Uuid, Unit = 2 });
        var host = _storage.AddHost(21, (pool, 0));
        _storage.Report(host, pool, null, units: """{"1": 100, "2": 20, "3": 40, "4": 5, "5": 30, "nonsense": 30}""");
        var volumes = Enumerable.Range(60, 4).Select(number => StorageInMemory.Volume(number, pool, 20)).ToArray();

        _storage.Put([.. volumes]);

        Assert.That(volumes.Select(volume => _storage.Find(volume).Unit), Is.EqualTo(new int?[] { 5, 3, 1, null }));
        Assert.That(_storage.WhyNot(volumes[3]), Is.EqualTo("Its pool has no free logical unit of 20 MiB or more."));

        _storage.Report(host, pool, null, units: """{"1": 100, "2": 20, "3": 40, "4": 5, "5": 30, "6": 20}""");
        Assert.That(_storage.Find(volumes[3]).Unit, Is.EqualTo(6));
    }

    [Test]
    public void With_the_database_away_nothing_is_decided_and_afterwards_all_is()
    {
        _storage.AddHost(21, (Own, 50));
        _storage.Database.Database = new(false, DateTimeOffset.UnixEpoch, "away");
        _storage.Put(Volume);
        Assert.That(_storage.KeeperOf(Volume), Is.Null);

        _storage.Database.Database = new(true, DateTimeOffset.UnixEpoch);
        _storage.Run(TimeSpan.FromSeconds(1));
        Assert.That(_storage.KeeperOf(Volume), Is.Not.Null);
    }

    [Test]
    public void A_volume_that_is_refused_waits_alone()
    {
        _storage.AddHost(21, (Own, 50));
        _storage.Database.FailNext(new WriteRefusedException(Refusal.Rule, 0, "host_volume_host_gone", [], "The host is gone.", new InvalidOperationException()));

        _storage.Put(Volume, Other);
        Assert.That((_storage.KeeperOf(Volume), _storage.KeeperOf(Other) is null), Is.EqualTo(((Guid?)null, false)));

        _storage.Run(TimeSpan.FromSeconds(1));
        Assert.That(_storage.KeeperOf(Volume), Is.Not.Null);
    }

    [Test]
    public void A_write_that_fails_is_made_again_after_a_pause_that_doubles()
    {
        _storage.AddHost(21, (Own, 50));
        _storage.Database.FailNext(new DatabaseUnavailableException("away"));
        _storage.Database.FailNext(new UnconfirmedCommitException("nobody knows"));

        _storage.Put(Volume);
        _storage.Run(TimeSpan.FromSeconds(1));
        _storage.Run(TimeSpan.FromSeconds(1));
        Assert.That(_storage.KeeperOf(Volume), Is.Null);

        _storage.Run(TimeSpan.FromSeconds(1));
        Assert.That(_storage.KeeperOf(Volume), Is.Not.Null);
    }

    private static HostOrphanCurrent Orphan(Guid host, VolumeDesired volume) => new()
    {
        Host = host,
        Name = $"{volume.StoragePool}:volume-{volume.Uuid}.{volume.Generation}",
        StoragePool = volume.StoragePool,
        Type = OrphanType.Volume,
        Target = volume.Uuid,
    };
}
