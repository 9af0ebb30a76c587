using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Sparkle.Tests.Placement.Extents;

/// <summary>Whatever is ordered in whatever sequence: the allocator does what the naive pool would, and gives the best there is.</summary>
[TestFixture]
public sealed class ExtentAllocatorProperties
{
    private const int MostPieces = 3;

    [Test]
    public void Nothing_overlaps_nothing_is_lost_and_what_can_be_had_is_given() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000).WithEndSize(60), Prop.ForAll(Arb.From(Gen.ListOf(Step())), Holds));

    private static Gen<(int Kind, int Volume, int Disk, int Size)> Step() =>
        from kind in Gen.Choose(0, 15)
        from volume in Gen.Choose(1, 8)
        from disk in Gen.Choose(0, 3)
        from size in Gen.Choose(1, 12)
        select (kind, volume, disk, size);

    private static bool Holds(IList<(int Kind, int Volume, int Disk, int Size)> steps)
    {
        var pool = new NaivePool();
        var allocator = new ExtentAllocator(MostPieces);
        var ofNobody = new List<Piece>();
        foreach (var (kind, number, diskNumber, size) in steps)
        {
            var volume = new Guid(number, 0, 0, new byte[8]);
            var disk = $"disk{diskNumber}";
            switch (kind)
            {
                case < 7:
                    Grow(pool, allocator, volume, pool.ContentOf(volume).Count + size);
                    break;
                case < 10:
                    allocator.Free(volume);
                    foreach (var (on, mib) in pool.ContentOf(volume))
                        pool.Disks[on].Owners[(int)mib] = null;
                    pool.Volumes.Remove(volume);
                    break;
                case < 12:
                    SetDisk(pool, allocator, disk, size);
                    break;
                case 12 when pool.Disks.TryGetValue(disk, out var closed):
                    closed.IsOpen = false;
                    allocator.CloseDisk(disk);
                    break;
                case 13 when pool.Runs is { Count: > 0 } runs:
                    var declared = runs[number % runs.Count];
                    declared = declared.First(Math.Min(size, declared.Length));
                    ofNobody.Add(declared);
                    allocator.Put(null, new PlacedPiece(0, declared));
                    pool.Mark(NaivePool.Nobody, declared);
                    break;
                case 14 when ofNobody.Count > 0:
                    var gone = ofNobody[number % ofNobody.Count];
                    ofNobody.Remove(gone);
                    allocator.Remove(null, new PlacedPiece(0, gone));
                    pool.Mark(null, gone);
                    break;
                case 15:
                    pool.Limit = number == 1 ? number * size * 4 : null;
                    allocator.Limit = pool.Limit;
                    break;
            }
            pool.Forget();
            Compare(pool, allocator);
        }
        CompareWithRebuilt(pool, allocator, ofNobody);
        return true;
    }

    private static void SetDisk(NaivePool pool, ExtentAllocator allocator, string disk, int more)
    {
        if (!pool.Disks.TryGetValue(disk, out var known))
            pool.Disks.Add(disk, known = new NaivePool.NaiveDisk());
        known.IsOpen = true;
        // It grows, or loses what is free at its end.
        if (more % 4 == 0)
            known.Owners.RemoveRange(LastTaken(known), known.Owners.Count - LastTaken(known));
        else
            known.Owners.AddRange(Enumerable.Repeat<Guid?>(null, more));
        allocator.SetDisk(disk, known.Owners.Count);
    }

    private static int LastTaken(NaivePool.NaiveDisk disk) => disk.Owners.FindLastIndex(owner => owner is not null) + 1;

    private static void Grow(NaivePool pool, ExtentAllocator allocator, Guid volume, long size)
    {
        var before = pool.ContentOf(volume).ToList();
        var piecesBefore = allocator.PiecesOf(volume).ToList();
        var expected = PiecesNeeded(pool, piecesBefore.Count, volume, size - before.Count);
        var runs = pool.Runs;
        var allocation = allocator.Grow(volume, size, out var why);
        if (expected is not { } pieces)
        {
            Assert.That((allocation, why?.Words), Is.EqualTo(((Allocation?)null, WordsOf(pool, size - before.Count))));
            Assert.That(allocator.PiecesOf(volume), Is.EqualTo(piecesBefore));
            return;
        }
        Assert.That(why, Is.Null);
        var after = ContentOf(allocator.PiecesOf(volume)).ToList();
        Assert.That(allocation!.Length, Is.EqualTo(size - before.Count));
        Assert.That(after, Has.Count.EqualTo(size));
        Assert.That(after.Take(before.Count), Is.EqualTo(before), "what the volume had stays where it was");
        Assert.That(after.Skip(before.Count).All(place => runs.Any(run => IsIn(run, place))), "what it gets was free");
        Assert.That(allocator.PiecesOf(volume), Has.Count.EqualTo(pieces), "the fewest");
        Assert.That(allocator.PiecesOf(volume).Select(piece => piece.Order), Is.EqualTo(Enumerable.Range(0, pieces)));
        if (allocation is { Extended: null, Added: [var only] })
        {
            var fit = runs.Where(run => run.Length >= only.Piece.Length).Min(run => run.Length);
            var run = runs.Single(run => IsIn(run, (only.Piece.Disk, only.Piece.Range.Start)));
            Assert.That((run.Length, run.Range.Start), Is.EqualTo((fit, only.Piece.Range.Start)), "the best fit, from its start");
        }

        // There and back again, and there once more: the same.
        var fragmentation = allocator.Fragmentation;
        allocator.Undo(allocation);
        Assert.That(allocator.PiecesOf(volume), Is.EqualTo(piecesBefore));
        Compare(pool, allocator);
        Assert.That(allocator.Grow(volume, size, out _)!.Added, Is.EqualTo(allocation.Added));
        Assert.That(allocator.Fragmentation, Is.EqualTo(fragmentation));
        foreach (var (disk, mib) in after)
            pool.Disks[disk].Owners[(int)mib] = volume;
        pool.Volumes[volume] = after;
    }

    /// <summary>How many pieces the volume then has at least; null where it cannot be had.</summary>
    private static int? PiecesNeeded(NaivePool pool, int there, Guid volume, long needed)
    {
        if (needed > pool.Free || needed > pool.Limit - pool.Taken)
            return null;
        var behind = pool.Behind(volume);
        needed -= behind?.Length ?? 0;
        foreach (var run in pool.Runs.Where(run => run != behind).OrderByDescending(run => run.Length))
        {
            if (needed <= 0)
                break;
            needed -= run.Length;
            there++;
        }
        return there <= MostPieces ? there : null;
    }

    private static string WordsOf(NaivePool pool, long needed)
    {
        if (pool.Limit is { } limit && needed > limit - pool.Taken)
            return $"It needs {needed} MiB more, and its pool may give out {Math.Max(0, limit - pool.Taken)} MiB more.";
        return needed > pool.Free
            ? $"It needs {needed} MiB more, and its pool has {pool.Free} MiB free."
            : $"It needs {needed} MiB more. Its pool has {pool.Free} MiB free, but so scattered that it would have more than 3 pieces.";
    }

    private static bool IsIn(Piece run, (string Disk, long Mib) place) =>
        run.Disk == place.Disk && run.Range.Start <= place.Mib && place.Mib < run.Range.End;

    private static IEnumerable<(string Disk, long Mib)> ContentOf(IEnumerable<PlacedPiece> pieces) => pieces.SelectMany(
        piece => Enumerable.Range(0, (int)piece.Piece.Length).Select(mib => (piece.Piece.Disk, piece.Piece.Range.Start + mib)));

    private static void Compare(NaivePool pool, ExtentAllocator allocator)
    {
        var runs = pool.Runs.OrderByDescending(run => run.Length).ThenByDescending(run => run.Disk, StringComparer.Ordinal)
            .ThenByDescending(run => run.Range.Start).ToList();
        var size = pool.Disks.Values.Sum(disk => disk.Owners.Count);
        var pieces = pool.Volumes.Keys.Select(volume => allocator.PiecesOf(volume).Count).ToList();
        Assert.That(allocator.FreeRuns, Is.EqualTo(runs), "neighbours merge");
        Assert.That(allocator.Fragmentation, Is.EqualTo(new Fragmentation(
            size, pool.Taken, pool.Free, size - pool.Taken - pool.Free, runs.FirstOrDefault().Length, runs.Count,
            pieces.Count, pieces.Count(count => count > 1), pieces.DefaultIfEmpty().Max())));
        foreach (var (volume, content) in pool.Volumes)
        {
            Assert.That(ContentOf(allocator.PiecesOf(volume)), Is.EqualTo(content));
            Assert.That(allocator.SizeOf(volume), Is.EqualTo(content.Count));
        }
    }

    /// <summary>One that learns from the rows alone what is there, in another order, answers the same from then on.</summary>
    private static void CompareWithRebuilt(NaivePool pool, ExtentAllocator allocator, List<Piece> ofNobody)
    {
        var rebuilt = new ExtentAllocator(MostPieces) { Limit = pool.Limit };
        foreach (var (id, disk) in pool.Disks.Reverse())
            rebuilt.SetDisk(id, disk.Owners.Count);
        foreach (var volume in pool.Volumes.Keys.Order())
        {
            foreach (var piece in allocator.PiecesOf(volume).Reverse())
                rebuilt.Put(volume, piece);
        }
        foreach (var piece in ofNobody)
            rebuilt.Put(null, new PlacedPiece(0, piece));
        foreach (var (id, _) in pool.Disks.Where(disk => !disk.Value.IsOpen))
            rebuilt.CloseDisk(id);
        Compare(pool, rebuilt);
        foreach (var volume in pool.Volumes.Keys.Append(Guid.NewGuid()))
        {
            var size = allocator.SizeOf(volume) + 5;
            Assert.That(rebuilt.Grow(volume, size, out var why)?.Added, Is.EqualTo(allocator.Grow(volume, size, out var expected)?.Added));
            Assert.That(why, Is.EqualTo(expected));
        }
    }
}
