using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Sparkle.Tests.Placement.Extents;

[TestFixture]
public sealed class ExtentAllocatorTests
{
    private readonly Guid _volume = Guid.NewGuid();
    private ExtentAllocator _allocator = null!;

    [SetUp]
    public void Make() => _allocator = new ExtentAllocator(mostPieces: 3);

    [Test]
    public void A_volume_gets_the_start_of_the_smallest_run_that_holds_it()
    {
        _allocator.SetDisk("a", 100);
        _allocator.SetDisk("b", 40);
        _allocator.SetDisk("c", 30);
        Assert.That(Grow(35), Is.EqualTo(new[] { Piece(0, "b", 0, 35) }));
    }

    [Test]
    public void Where_no_run_holds_it_a_volume_gets_the_longest_runs_and_the_best_fit_for_the_rest()
    {
        _allocator.SetDisk("a", 10);
        _allocator.SetDisk("b", 50);
        _allocator.SetDisk("c", 20);
        Assert.That(Grow(55), Is.EqualTo(new[] { Piece(0, "b", 0, 50), Piece(1, "a", 0, 5) }));
    }

    [Test]
    public void Growth_lengthens_the_last_piece_where_there_is_space_behind_it()
    {
        _allocator.SetDisk("a", 100);
        Grow(30);
        var allocation = _allocator.Grow(_volume, 80, out _)!;
        Assert.That(allocation.Extended, Is.EqualTo(new Extension(0, Piece(0, "a", 0, 30).Piece, Piece(0, "a", 0, 80).Piece)));
        Assert.That(allocation.Added, Is.Empty);
    }

    [Test]
    public void Growth_beyond_the_space_behind_it_appends_and_what_was_there_stays()
    {
        _allocator.SetDisk("a", 40);
        _allocator.SetDisk("b", 100);
        Grow(30);
        Assert.That(Grow(90), Is.EqualTo(new[] { Piece(0, "a", 0, 40), Piece(1, "b", 0, 50) }));
    }

    [Test]
    public void Pieces_are_appended_behind_the_last_whatever_places_are_free_before_it()
    {
        _allocator.SetDisk("a", 10);
        _allocator.SetDisk("b", 10);
        _allocator.Put(_volume, Piece(7, "a", 0, 10));
        Assert.That(Grow(15), Is.EqualTo(new[] { Piece(7, "a", 0, 10), Piece(8, "b", 0, 5) }));
    }

    [Test]
    public void What_is_not_there_is_refused_whole_with_what_is_needed_and_what_is_free()
    {
        _allocator.SetDisk("a", 40);
        Grow(30);
        Assert.That(_allocator.Grow(_volume, 41, out var why), Is.Null);
        Assert.That(why?.Words, Is.EqualTo("It needs 11 MiB more, and its pool has 10 MiB free."));
        Assert.That(_allocator.PiecesOf(_volume), Is.EqualTo(new[] { Piece(0, "a", 0, 30) }));
    }

    [Test]
    public void What_would_have_too_many_pieces_is_refused_whole()
    {
        foreach (var disk in (string[])["a", "b", "c", "d"])
            _allocator.SetDisk(disk, 10);
        Assert.That(_allocator.Grow(_volume, 31, out var why), Is.Null);
        Assert.That(why?.Words, Does.Contain("31 MiB").And.Contain("40 MiB free").And.Contain("3 pieces"));
        Assert.That(_allocator.Fragmentation.Taken, Is.Zero);
        Assert.That(Grow(30), Has.Length.EqualTo(3));
    }

    [Test]
    public void Growth_that_would_have_too_many_pieces_takes_nothing_of_the_space_behind_either()
    {
        foreach (var disk in (string[])["a", "b", "c", "d"])
            _allocator.SetDisk(disk, 10);
        Grow(5);
        Assert.That(_allocator.Grow(_volume, 31, out _), Is.Null);
        Assert.That(_allocator.PiecesOf(_volume), Is.EqualTo(new[] { Piece(0, "a", 0, 5) }));
        Assert.That(_allocator.Fragmentation.Free, Is.EqualTo(35));
    }

    [Test]
    public void A_pool_gives_out_no_more_than_its_size()
    {
        _allocator.SetDisk("a", 100);
        _allocator.Limit = 50;
        Grow(20);
        Assert.That(_allocator.Grow(_volume, 51, out var why), Is.Null);
        Assert.That(why?.Words, Is.EqualTo("It needs 31 MiB more, and its pool may give out 30 MiB more."));
        Assert.That(Grow(50), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_disk_that_is_closed_keeps_what_is_taken_and_gives_nothing()
    {
        _allocator.SetDisk("a", 100);
        Grow(30);
        _allocator.CloseDisk("a");
        Assert.That(_allocator.Grow(_volume, 31, out _), Is.Null);
        var left = _allocator.Fragmentation;
        Assert.That((left.Taken, left.Withheld, left.Free), Is.EqualTo((30, 70, 0)));

        _allocator.Free(_volume);
        Assert.That(_allocator.Fragmentation.Size, Is.Zero, "nobody has anything of it any more");
    }

    [Test]
    public void A_disk_that_grows_offers_more_right_behind_what_was_free()
    {
        _allocator.SetDisk("a", 100);
        _allocator.SetDisk("a", 150);
        Assert.That(Grow(150), Is.EqualTo(new[] { Piece(0, "a", 0, 150) }));
    }

    [Test]
    public void What_contradicts_what_is_known_is_no_decision_but_a_broken_invariant()
    {
        _allocator.SetDisk("a", 100);
        Grow(30);
        Assert.That(() => _allocator.Put(null, Piece(0, "a", 29, 40)), Throws.InvalidOperationException);
        Assert.That(() => _allocator.Put(null, Piece(0, "a", 90, 101)), Throws.InvalidOperationException);
        Assert.That(() => _allocator.Put(null, Piece(0, "b", 0, 1)), Throws.InvalidOperationException);
        Assert.That(() => _allocator.Remove(null, Piece(0, "a", 29, 40)), Throws.InvalidOperationException);
        Assert.That(() => _allocator.Remove(_volume, Piece(0, "a", 0, 29)), Throws.InvalidOperationException);
        Assert.That(() => _allocator.SetDisk("a", 29), Throws.InvalidOperationException);
    }

    [Test]
    public void A_hundred_thousand_volumes_that_come_grow_and_go_share_the_disks_without_overlap_or_loss()
    {
        const int Volumes = 100_000;
        var random = new Random(1);
        _allocator = new ExtentAllocator();
        for (var disk = 0; disk < 16; disk++)
            _allocator.SetDisk($"disk{disk}", 20_000_000);
        var volumes = Enumerable.Range(1, Volumes).Select(number => new Guid(number, 0, 0, new byte[8])).ToArray();
        var sizes = new Dictionary<Guid, long>();
        foreach (var volume in volumes)
            Order(volume, random.Next(1, 4000));
        foreach (var volume in volumes.Where(_ => random.Next(2) == 0))
        {
            _allocator.Free(volume);
            sizes.Remove(volume);
        }
        foreach (var volume in volumes)
            Order(volume, sizes.GetValueOrDefault(volume) + random.Next(1, 2000));

        Assert.That(volumes.All(volume => _allocator.SizeOf(volume) == sizes[volume]));
        var fragmentation = _allocator.Fragmentation;
        Assert.That(fragmentation.Taken, Is.EqualTo(sizes.Values.Sum()));
        Assert.That(fragmentation.Taken + fragmentation.Free, Is.EqualTo(fragmentation.Size));
        var taken = volumes.SelectMany(volume => _allocator.PiecesOf(volume)).Select(piece => piece.Piece);
        foreach (var disk in taken.Concat(_allocator.FreeRuns).GroupBy(piece => piece.Disk))
        {
            long end = 0;
            foreach (var piece in disk.OrderBy(piece => piece.Range.Start))
            {
                Assert.That(piece.Range.Start, Is.EqualTo(end), "every MiB is somebody's or free, and once only");
                end = piece.Range.End;
            }
            Assert.That(end, Is.EqualTo(20_000_000));
        }

        void Order(Guid volume, long size)
        {
            Assert.That(_allocator.Grow(volume, size, out var why), Is.Not.Null, why?.Words);
            sizes[volume] = size;
        }
    }

    private PlacedPiece[] Grow(long size)
    {
        Assert.That(_allocator.Grow(_volume, size, out var why), Is.Not.Null, why?.Words);
        return [.. _allocator.PiecesOf(_volume)];
    }

    private static PlacedPiece Piece(int order, string disk, long start, long end) =>
        new(order, new Piece(disk, new LongRange(start, end)));
}
