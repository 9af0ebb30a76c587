using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Tests.Placement.Extents;

[TestFixture]
public sealed class ExtentPlacementTests
{
    private static readonly VolumeDesired Volume = ExtentsInMemory.Volume(1, 30);
    private static readonly VolumeDesired Other = ExtentsInMemory.Volume(2, 30);

    private ExtentsInMemory _extents = null!;

    [SetUp]
    public void Start()
    {
        _extents = new ExtentsInMemory();
        _extents.Put(ExtentsInMemory.Disk("a", 100));
    }

    [Test]
    public void A_volume_gets_space_of_its_size_and_nobody_else_gets_the_same()
    {
        _extents.Put(Volume, Other);
        Assert.That(_extents.Of(Volume).Concat(_extents.Of(Other)), Is.EqualTo(new[] { "a[0,30)", "a[30,60)" }));
        Assert.That(_extents.Placement.WhyNot(Volume.Uuid), Is.Null);
    }

    [Test]
    public void A_volume_of_another_kind_of_pool_gets_none()
    {
        var pool = ExtentsInMemory.Pool with { Uuid = Guid.NewGuid(), Type = StoragePoolType.Rbd };
        _extents.Put(pool, Volume with { StoragePool = pool.Uuid });
        Assert.That(_extents.Extents, Is.Empty);
        Assert.That(_extents.Placement.WhyNot(Volume.Uuid), Is.Null);
    }

    [Test]
    public void A_volume_that_grows_gets_the_space_behind_it_and_then_more_behind_all_that_it_has()
    {
        _extents.Put(Volume);
        _extents.Put(ExtentsInMemory.Disk("b", 100), Volume with { Size = 120 });
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,100)", "b[0,20)" }));
        Assert.That(_extents.Placement.PiecesOf(ExtentsInMemory.Pool.Uuid, Volume.Uuid), Is.EqualTo(2));
    }

    [Test]
    public void A_volume_without_room_says_what_is_missing_and_gets_it_when_it_is_there()
    {
        _extents.Put(Volume with { Size = 130 });
        Assert.That(_extents.Placement.WhyNot(Volume.Uuid), Is.EqualTo("It needs 130 MiB more, and its pool has 100 MiB free."));
        Assert.That(_extents.Placement.TakeExplained(), Is.EqualTo(new[] { Volume.Uuid }));
        _extents.Run(TimeSpan.FromMinutes(1));
        Assert.That(_extents.Placement.TakeExplained(), Is.Empty, "nothing new to say");

        _extents.Put(ExtentsInMemory.Disk("a", 130));
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,130)" }));
        Assert.That(_extents.Placement.WhyNot(Volume.Uuid), Is.Null);
    }

    [Test]
    public void A_large_volume_without_room_keeps_no_small_one_waiting()
    {
        _extents.Put(Volume with { Size = 130 }, Other);
        Assert.That(_extents.Of(Other), Is.EqualTo(new[] { "a[0,30)" }));
    }

    [Test]
    public void Space_that_is_given_back_goes_to_who_waits_for_it()
    {
        _extents.Put(Volume with { Size = 80 });
        _extents.Put(Other);
        Assert.That(_extents.Of(Other), Is.Empty);
        _extents.Remove("extent", _extents.Extents.Single().Uuid);
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,80)" }), "it is there still, and first");
        _extents.Database.Remove("volume", RowKey.Of(Volume.Uuid));
        _extents.Remove("extent", _extents.Extents.Single().Uuid);
        Assert.That(_extents.Of(Other), Is.EqualTo(new[] { "a[0,30)" }));
    }

    [Test]
    public void A_volume_that_is_ordered_deleted_keeps_its_space_and_gets_none()
    {
        _extents.Put(Volume, Other with { State = VolumeState.Deleted });
        _extents.Put(Volume with { State = VolumeState.Deleted, Size = 60 });
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,30)" }));
        Assert.That(_extents.Of(Other), Is.Empty);
    }

    [Test]
    public void An_optional_volume_is_not_begun_and_grows_where_it_is()
    {
        _extents.Put(Volume, Other with { State = VolumeState.Optional });
        _extents.Put(Volume with { State = VolumeState.Optional, Size = 60 });
        Assert.That(_extents.Of(Other), Is.Empty);
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,60)" }));
    }

    [Test]
    public void An_extent_of_nobody_goes_and_its_space_is_used()
    {
        _extents.Put(ExtentsInMemory.Extent(1, "a", 0, 50), Volume with { Size = 100 });
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,100)" }));
        Assert.That(_extents.Extents, Has.Count.EqualTo(1));
    }

    [Test]
    public void What_is_still_to_be_wiped_is_not_free_until_it_is_gone()
    {
        var extent = ExtentsInMemory.Extent(1, "a", 0, 50) with { Tombstone = Guid.NewGuid() };
        _extents.Put(extent);
        _extents.Put(Volume with { Size = 100 });
        Assert.That(_extents.Extents, Is.EqualTo(new[] { extent }));
        Assert.That(_extents.Placement.WhyNot(Volume.Uuid), Does.Contain("50 MiB free"));

        _extents.Remove("extent", extent.Uuid);
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,100)" }));
    }

    [Test]
    public void An_extent_of_nobody_that_somebody_takes_meanwhile_stays()
    {
        var extent = ExtentsInMemory.Extent(1, "a", 0, 50);
        _extents.Database.Put(Volume with { State = VolumeState.Optional, Size = 50 });
        _extents.Database.Interrupt(() => _extents.Database.Put(extent with { Volume = Volume.Uuid }));
        _extents.Put(extent);
        _extents.Run(TimeSpan.FromMinutes(1));
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,50)" }));
    }

    [Test]
    public void With_the_database_away_nothing_is_decided_and_afterwards_all_is()
    {
        _extents.Database.Database = new(false, DateTimeOffset.UnixEpoch, "away");
        _extents.Put(Volume);
        Assert.That(_extents.Extents, Is.Empty);
        Assert.That(_extents.Placement.WhyNot(Volume.Uuid), Is.Not.Empty);
        _extents.Database.Database = new(true, DateTimeOffset.UnixEpoch);
        _extents.Run(TimeSpan.FromSeconds(1));
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,30)" }));
    }

    [Test]
    public void A_write_that_fails_takes_nothing_and_is_made_again_after_a_pause_that_doubles()
    {
        _extents.Database.FailNext(new DatabaseUnavailableException("away"));
        _extents.Database.FailNext(new UnconfirmedCommitException("nobody knows"));
        _extents.Put(Volume);
        Assert.That(_extents.Placement.FragmentationOf(ExtentsInMemory.Pool.Uuid)?.Taken, Is.Zero);
        Assert.That(_extents.Placement.WhyNot(Volume.Uuid), Is.Not.Empty);
        var failed = Attempts(() => _extents.Database.Commits);
        Assert.That(failed, Is.EqualTo(3), "the second attempt after 1 s, the third 2 s later");
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,30)" }));
    }

    [Test]
    public void What_is_refused_for_one_volume_keeps_only_that_one_waiting_and_it_says_why()
    {
        _extents.Database.FailNext(Refused(write: 0));
        _extents.Put(Volume, Other);
        Assert.That(_extents.Of(Volume), Is.Empty);
        Assert.That(_extents.Of(Other), Is.EqualTo(new[] { "a[0,30)" }));
        Assert.That(_extents.Placement.WhyNot(Volume.Uuid), Is.EqualTo("The schema says so."));
        _extents.Run(TimeSpan.FromSeconds(1));
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[30,60)" }));
    }

    [Test]
    public void A_volume_that_goes_while_space_for_it_is_written_leaves_nothing_behind()
    {
        _extents.Database.Interrupt(() => _extents.Database.Remove("volume", RowKey.Of(Volume.Uuid)));
        _extents.Put(Volume, Other);
        _extents.Run(TimeSpan.FromMinutes(1));
        Assert.That(_extents.Extents.Select(extent => extent.Volume), Is.EqualTo(new[] { Other.Uuid }));
    }

    [Test]
    public void Many_volumes_get_their_space_in_several_transactions()
    {
        _extents.Put(ExtentsInMemory.Disk("b", 1000));
        var volumes = Enumerable.Range(1, 600).Select(number => ExtentsInMemory.Volume(number, 1)).ToArray();
        var before = _extents.Database.Commits;
        _extents.Put([.. volumes]);
        Assert.That(_extents.Extents.Select(extent => extent.Volume), Is.EqualTo(volumes.Select(volume => (Guid?)volume.Uuid)));
        Assert.That(_extents.Database.Commits - before, Is.EqualTo(3));
    }

    [Test]
    public void Another_controller_goes_on_from_the_rows()
    {
        _extents.Put(Volume);
        _extents.Restart();
        Assert.That(_extents.Of(Volume), Is.EqualTo(new[] { "a[0,30)" }));
        _extents.Put(Other);
        Assert.That(_extents.Of(Other), Is.EqualTo(new[] { "a[30,60)" }));
    }

    [Test]
    public void What_is_kept_in_step_is_what_the_rows_say_whatever_is_ordered([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        var disks = new Dictionary<string, long>();
        var volumes = new Dictionary<int, VolumeDesired>();
        for (var step = 0; step < 60; step++)
        {
            var number = random.Next(1, 12);
            switch (random.Next(8))
            {
                case 0:
                    var disk = $"d{random.Next(4)}";
                    disks[disk] = disks.GetValueOrDefault(disk) + random.Next(1, 40);
                    _extents.Put(ExtentsInMemory.Disk(disk, disks[disk]));
                    break;
                case < 4:
                    var size = (volumes.GetValueOrDefault(number)?.Size ?? 0) + random.Next(1, 30);
                    volumes[number] = ExtentsInMemory.Volume(number, size) with { State = (VolumeState)random.Next(3) };
                    _extents.Put(volumes[number]);
                    break;
                case 4 when volumes.Remove(number, out var gone):
                    _extents.Database.Remove("volume", RowKey.Of(gone.Uuid));
                    foreach (var extent in _extents.Extents.Where(extent => extent.Volume == gone.Uuid))
                        _extents.Database.Remove("extent", RowKey.Of(extent.Uuid));
                    _extents.Run();
                    break;
                case 5:
                    _extents.Put(ExtentsInMemory.Pool with { Size = random.Next(2) == 0 ? null : random.Next(50, 200) });
                    break;
                case 6:
                    _extents.Database.FailNext(random.Next(2) == 0 ? Refused(write: 0) : new DatabaseUnavailableException("away"));
                    break;
                default:
                    _extents.Run(TimeSpan.FromSeconds(random.Next(100)));
                    break;
            }
        }
        _extents.Restart();
    }

    /// <summary>How many seconds pass until something is committed.</summary>
    private int Attempts(Func<int> commits)
    {
        var before = commits();
        for (var second = 1; second < 100; second++)
        {
            _extents.Run(TimeSpan.FromSeconds(1));
            if (commits() > before)
                return second;
        }
        throw new AssertionException("Nothing is ever written.");
    }

    private static WriteRefusedException Refused(int write) =>
        new(Refusal.Duplicate, write, "extent_range_free", ["range"], "The schema says so.", new InvalidOperationException());
}
