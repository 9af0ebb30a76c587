using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Benchmarks.Extents;

/// <summary>What one would write first: the extents of each disk in a list by place, and the first gap that is long enough.</summary>
internal sealed class FirstFit
{
    private readonly List<(string Disk, long Size, List<LongRange> Taken)> _disks = [];
    private readonly Dictionary<Guid, Piece> _volumes = [];

    public void AddDisk(string id, long size) => _disks.Add((id, size, []));

    public void Give(Guid volume, long size)
    {
        foreach (var (id, length, taken) in _disks)
        {
            long end = 0;
            for (var i = 0; i <= taken.Count; i++)
            {
                if ((i < taken.Count ? taken[i].Start : length) - end >= size)
                {
                    taken.Insert(i, new LongRange(end, end + size));
                    _volumes.Add(volume, new Piece(id, taken[i]));
                    return;
                }
                if (i < taken.Count)
                    end = taken[i].End;
            }
        }
        throw new InvalidOperationException("No gap is long enough.");
    }

    public void Free(Guid volume)
    {
        _volumes.Remove(volume, out var piece);
        var taken = _disks.Find(disk => disk.Disk == piece.Disk).Taken;
        taken.RemoveAt(taken.BinarySearch(piece.Range, Comparer<LongRange>.Create((left, right) => left.Start.CompareTo(right.Start))));
    }
}
