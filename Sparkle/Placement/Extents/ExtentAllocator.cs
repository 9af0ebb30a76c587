namespace PonyCloud.Sparkle.Placement.Extents;

/// <summary>Who has what of the disks of one pool, and who gets what. No clock, no I/O; the same state gives the same answer.</summary>
/// <remarks>
/// Invariants: no two pieces have anything in common, what nobody has is free, and pieces of a volume keep their order.
/// Every change to what is there takes a time that grows with the logarithm of the number of free runs.
/// </remarks>
/// <param name="mostPieces">How many pieces a volume may have before nothing is added to it.</param>
public sealed class ExtentAllocator(int mostPieces = ExtentAllocator.UsualMostPieces)
{
    /// <summary>As many as a host can still map, and far more than a volume has in a pool that is not nearly full.</summary>
    public const int UsualMostPieces = 128;

    /// <summary>The last place among the pieces of a volume, as the schema has it.</summary>
    private const int LastOrder = 65_535;

    private readonly FreeSpace _space = new();
    private readonly Dictionary<Guid, List<PlacedPiece>> _volumes = [];

    // How many volumes have so many pieces.
    private readonly SortedDictionary<int, int> _divided = [];

    /// <summary>MiB that may be taken in all; null for as much as there is.</summary>
    public long? Limit { get; set; }

    public Fragmentation Fragmentation => new(
        _space.Size,
        _space.Taken,
        _space.Free,
        _space.Size - _space.Taken - _space.Free,
        _space.Longest?.Length ?? 0,
        _space.Runs,
        _volumes.Count,
        _volumes.Count - _divided.GetValueOrDefault(1),
        _divided.Count == 0 ? 0 : _divided.Keys.Last());

    /// <summary>The free runs that can be given out, the longest first.</summary>
    public IEnumerable<Piece> FreeRuns => _space.LongestFirst;

    /// <summary>A disk gives out what is free on it, whether it was known or not.</summary>
    /// <param name="size">MiB; 0 where it is not known.</param>
    /// <exception cref="InvalidOperationException">What it is to lose is taken.</exception>
    public void SetDisk(string disk, long size) => _space.Offer(disk, size);

    /// <summary>A disk gives out nothing any more; what is taken of it stays.</summary>
    public void CloseDisk(string disk) => _space.Withhold(disk);

    /// <summary>The pieces of a volume in their order.</summary>
    public IReadOnlyList<PlacedPiece> PiecesOf(Guid volume) => _volumes.GetValueOrDefault(volume) ?? [];

    /// <summary>MiB that a volume has.</summary>
    public long SizeOf(Guid volume)
    {
        long size = 0;
        foreach (var piece in PiecesOf(volume))
            size += piece.Piece.Length;
        return size;
    }

    /// <summary>A piece is taken, as somebody else decided.</summary>
    /// <param name="volume">Null for one that no volume has.</param>
    /// <param name="piece">Its order means nothing without a volume.</param>
    /// <exception cref="InvalidOperationException">Some of it is not free, or the volume has another at its place.</exception>
    public void Put(Guid? volume, PlacedPiece piece)
    {
        _space.Take(piece.Piece);
        if (volume is not { } owner)
            return;
        if (!_volumes.TryGetValue(owner, out var pieces))
            _volumes.Add(owner, pieces = new List<PlacedPiece>(1));
        var behind = pieces.FindIndex(other => other.Order >= piece.Order);
        if (behind >= 0 && pieces[behind].Order == piece.Order)
            throw new InvalidOperationException($"Volume {owner} has {pieces[behind]} at the place of {piece}.");
        pieces.Insert(behind < 0 ? pieces.Count : behind, piece);
        Recount(pieces.Count - 1, pieces.Count);
    }

    /// <summary>A piece goes, and its space is free.</summary>
    /// <param name="volume">Whose it was; null for one that no volume had.</param>
    /// <param name="piece">As it was put.</param>
    /// <exception cref="InvalidOperationException">There is no such piece.</exception>
    public void Remove(Guid? volume, PlacedPiece piece)
    {
        if (volume is { } owner)
        {
            if (!_volumes.TryGetValue(owner, out var pieces) || !pieces.Remove(piece))
                throw new InvalidOperationException($"Volume {owner} has no {piece}.");
            Recount(pieces.Count + 1, pieces.Count);
            if (pieces.Count == 0)
                _volumes.Remove(owner);
        }
        _space.Release(piece.Piece);
    }

    /// <summary>
    /// Gives a volume what it lacks to a size, the first space as well as more: behind its last piece as far as that is free,
    /// and the rest behind all that it has, in as few pieces as can be.
    /// </summary>
    /// <param name="volume">Any; it need not be known.</param>
    /// <param name="size">MiB that it is to have in all.</param>
    /// <param name="why">When null is returned: what is missing. Nothing has changed then.</param>
    public Allocation? Grow(Guid volume, long size, out Shortage? why)
    {
        var needed = size - SizeOf(volume);
        why = Check(needed);
        if (why is not null)
            return null;
        if (needed <= 0)
            return new Allocation(volume, null, []);
        var extended = Extend(volume, needed);
        var added = Choose(volume, needed - (extended?.Length ?? 0));
        if (added is null)
        {
            Undo(new Allocation(volume, extended, []));
            why = new Shortage(ShortageKind.Pieces, needed, _space.Free, mostPieces);
            return null;
        }
        foreach (var piece in added)
            Put(volume, piece);
        return new Allocation(volume, extended, added);
    }

    /// <summary>Takes back what <see cref="Grow"/> gave, the newest first where several are taken back.</summary>
    /// <exception cref="InvalidOperationException">The volume does not have it.</exception>
    public void Undo(Allocation allocation)
    {
        foreach (var piece in allocation.Added)
            Remove(allocation.Volume, piece);
        if (allocation.Extended is not { } extended)
            return;
        Remove(allocation.Volume, new PlacedPiece(extended.Order, extended.After));
        Put(allocation.Volume, new PlacedPiece(extended.Order, extended.Before));
    }

    /// <summary>All that a volume has is free.</summary>
    public void Free(Guid volume)
    {
        foreach (var piece in PiecesOf(volume).ToArray())
            Remove(volume, piece);
    }

    private Shortage? Check(long needed)
    {
        if (Limit is { } limit && needed > limit - _space.Taken)
            return new Shortage(ShortageKind.Limit, needed, Math.Max(0, limit - _space.Taken), mostPieces);
        return needed > _space.Free ? new Shortage(ShortageKind.Space, needed, _space.Free, mostPieces) : null;
    }

    private Extension? Extend(Guid volume, long needed)
    {
        if (PiecesOf(volume) is not [.., var last] || _space.Behind(last.Piece) is not { } run)
            return null;
        var longer = last.Piece.First(last.Piece.Length + Math.Min(run.Length, needed));
        Remove(volume, last);
        Put(volume, last with { Piece = longer });
        return new Extension(last.Order, last.Piece, longer);
    }

    /// <summary>The fewest pieces that have this length together; null when they were too many. Takes nothing.</summary>
    private List<PlacedPiece>? Choose(Guid volume, long length)
    {
        var chosen = new List<PlacedPiece>();
        if (length == 0)
            return chosen;
        var there = PiecesOf(volume);
        var order = there.Count == 0 ? 0 : there[^1].Order + 1;
        foreach (var run in _space.LongestFirst)
        {
            if (there.Count + chosen.Count >= mostPieces || order > LastOrder)
                return null;
            // Never one of those that were chosen: they stand behind the longest of the others, which is long enough.
            if (run.Length >= length)
            {
                chosen.Add(new PlacedPiece(order, _space.BestFit(length)!.Value.First(length)));
                return chosen;
            }
            chosen.Add(new PlacedPiece(order++, run));
            length -= run.Length;
        }
        throw new InvalidOperationException("There is less free than was counted.");
    }

    private void Recount(int before, int after)
    {
        if (before > 0 && --_divided[before] == 0)
            _divided.Remove(before);
        if (after > 0)
            _divided[after] = _divided.GetValueOrDefault(after) + 1;
    }
}
