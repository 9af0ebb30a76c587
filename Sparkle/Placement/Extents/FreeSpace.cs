using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Placement.Extents;

/// <summary>
/// The free space of some disks: runs that are as long as they can be, found by place and by length. Every operation takes
/// a time that grows with the logarithm of the number of runs.
/// </summary>
internal sealed class FreeSpace
{
    private static readonly Comparer<Piece> ByPlace =
        Comparer<Piece>.Create((left, right) => left.Range.Start.CompareTo(right.Range.Start));

    // Down to the place, so that what is found depends on what is free and on nothing else.
    private static readonly Comparer<Piece> ByLength = Comparer<Piece>.Create((left, right) =>
    {
        var order = left.Length.CompareTo(right.Length);
        if (order == 0)
            order = string.CompareOrdinal(left.Disk, right.Disk);
        return order != 0 ? order : left.Range.Start.CompareTo(right.Range.Start);
    });

    private readonly Dictionary<string, Disk> _disks = new(StringComparer.Ordinal);

    // The runs of disks that offer theirs.
    private readonly SortedSet<Piece> _offered = new(ByLength);

    /// <summary>MiB of all disks.</summary>
    public long Size { get; private set; }

    /// <summary>MiB.</summary>
    public long Taken { get; private set; }

    /// <summary>MiB that are offered.</summary>
    public long Free { get; private set; }

    /// <summary>How many runs are offered.</summary>
    public int Runs => _offered.Count;

    /// <summary>The longest run that is offered; null when nothing is.</summary>
    public Piece? Longest => _offered.Count == 0 ? null : _offered.Max;

    /// <summary>The runs that are offered, the longest first.</summary>
    public IEnumerable<Piece> LongestFirst => _offered.Reverse();

    /// <summary>A disk offers what is free on it, whether it was known or not.</summary>
    /// <param name="size">MiB.</param>
    /// <exception cref="InvalidOperationException">What it is to lose is taken.</exception>
    public void Offer(string id, long size)
    {
        if (!_disks.TryGetValue(id, out var disk))
            _disks.Add(id, disk = new Disk(id));
        SetOffered(disk, true);
        var before = disk.Size;
        if (size < before)
            Remove(disk, new LongRange(size, before));
        disk.Size = size;
        Size += size - before;
        if (size > before)
            Add(disk, new LongRange(before, size));
    }

    /// <summary>A disk offers nothing any more. It is forgotten once nothing of it is taken.</summary>
    public void Withhold(string id)
    {
        if (!_disks.TryGetValue(id, out var disk))
            return;
        SetOffered(disk, false);
        ForgetIfUnused(disk);
    }

    /// <exception cref="InvalidOperationException">Some of it is not free.</exception>
    public void Take(Piece piece)
    {
        var disk = Find(piece);
        Remove(disk, piece.Range);
        disk.Taken += piece.Length;
        Taken += piece.Length;
    }

    /// <exception cref="InvalidOperationException">Some of it is free already, or behind the end of the disk.</exception>
    public void Release(Piece piece)
    {
        var disk = Find(piece);
        if (piece.Range.End > disk.Size)
            throw new InvalidOperationException($"{piece} is not on the disk, which has {disk.Size} MiB.");
        Add(disk, piece.Range);
        disk.Taken -= piece.Length;
        Taken -= piece.Length;
        ForgetIfUnused(disk);
    }

    /// <summary>The shortest run that is offered and has at least this length.</summary>
    public Piece? BestFit(long length)
    {
        if (Longest is not { } longest || longest.Length < length)
            return null;
        return _offered.GetViewBetween(new Piece("", new LongRange(0, length)), longest).Min;
    }

    /// <summary>The run that is offered and begins where the piece ends.</summary>
    public Piece? Behind(Piece piece) =>
        Find(piece) is { IsOffered: true } disk && disk.Runs.TryGetValue(At(piece.Range.End), out var run) ? run : null;

    private static Piece At(long start) => new("", new LongRange(start, start));

    private static Piece? Before(Disk disk, long start) =>
        disk.Runs.GetViewBetween(At(0), At(start)) is { Max: { Disk: not null } run } ? run : null;

    private Disk Find(Piece piece) =>
        _disks.GetValueOrDefault(piece.Disk) ?? throw new InvalidOperationException($"There is no disk for {piece}.");

    private void Add(Disk disk, LongRange range)
    {
        var (start, end) = (range.Start, range.End);
        var before = Before(disk, end - 1);
        if (before?.Range.End > start)
            throw new InvalidOperationException($"{range} of {disk.Id} is free already, at least in part: {before.Value.Range}.");
        if (before is { } left && left.Range.End == start)
        {
            Forget(disk, left);
            start = left.Range.Start;
        }
        if (disk.Runs.TryGetValue(At(end), out var right))
        {
            Forget(disk, right);
            end = right.Range.End;
        }
        Keep(disk, start, end);
    }

    private void Remove(Disk disk, LongRange range)
    {
        if (Before(disk, range.Start) is not { } run || run.Range.End < range.End)
            throw new InvalidOperationException($"{range} of {disk.Id} is not free.");
        Forget(disk, run);
        if (run.Range.Start < range.Start)
            Keep(disk, run.Range.Start, range.Start);
        if (range.End < run.Range.End)
            Keep(disk, range.End, run.Range.End);
    }

    private void Keep(Disk disk, long start, long end)
    {
        var run = new Piece(disk.Id, new LongRange(start, end));
        disk.Runs.Add(run);
        if (!disk.IsOffered)
            return;
        _offered.Add(run);
        Free += run.Length;
    }

    private void Forget(Disk disk, Piece run)
    {
        disk.Runs.Remove(run);
        if (!disk.IsOffered)
            return;
        _offered.Remove(run);
        Free -= run.Length;
    }

    private void SetOffered(Disk disk, bool isOffered)
    {
        if (disk.IsOffered == isOffered)
            return;
        disk.IsOffered = isOffered;
        foreach (var run in disk.Runs)
        {
            if (isOffered)
                _offered.Add(run);
            else
                _offered.Remove(run);
            Free += isOffered ? run.Length : -run.Length;
        }
    }

    private void ForgetIfUnused(Disk disk)
    {
        if (disk.IsOffered || disk.Taken > 0)
            return;
        _disks.Remove(disk.Id);
        Size -= disk.Size;
    }

    private sealed class Disk(string id)
    {
        public string Id => id;

        public long Size { get; set; }

        public long Taken { get; set; }

        public bool IsOffered { get; set; }

        public SortedSet<Piece> Runs { get; } = new(ByPlace);
    }
}
