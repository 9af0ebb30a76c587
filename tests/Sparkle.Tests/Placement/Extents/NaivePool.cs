using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Sparkle.Tests.Placement.Extents;

/// <summary>A pool as whoever is in no hurry would keep it: whose each single MiB is, and the MiB of each volume in their order.</summary>
internal sealed class NaivePool
{
    /// <summary>Whose a MiB is that no volume has and that is not free.</summary>
    public static readonly Guid Nobody = Guid.Empty;

    public SortedDictionary<string, NaiveDisk> Disks { get; } = new(StringComparer.Ordinal);

    /// <summary>The MiB of each volume, in the order of its content.</summary>
    public Dictionary<Guid, List<(string Disk, long Mib)>> Volumes { get; } = [];

    public long? Limit { get; set; }

    public long Taken => Disks.Values.Sum(disk => disk.Owners.LongCount(owner => owner is not null));

    public long Free => Runs.Sum(run => run.Length);

    /// <summary>The free runs of open disks, as long as they can be, by disk and place.</summary>
    public IReadOnlyList<Piece> Runs => [.. Disks.Where(disk => disk.Value.IsOpen).SelectMany(disk => RunsOf(disk.Key, disk.Value))];

    /// <summary>The free run right behind what the volume has.</summary>
    public Piece? Behind(Guid volume)
    {
        if (!Volumes.TryGetValue(volume, out var there))
            return null;
        var (disk, mib) = there[^1];
        return Runs.Where(run => run.Disk == disk && run.Range.Start == mib + 1).Cast<Piece?>().FirstOrDefault();
    }

    public IReadOnlyList<(string Disk, long Mib)> ContentOf(Guid volume) => Volumes.GetValueOrDefault(volume) ?? [];

    public void Mark(Guid? volume, Piece piece)
    {
        for (var mib = piece.Range.Start; mib < piece.Range.End; mib++)
            Disks[piece.Disk].Owners[(int)mib] = volume;
    }

    /// <summary>A disk that is closed and has nothing taken is none of the pool's any more.</summary>
    public void Forget()
    {
        foreach (var (id, _) in Disks.Where(disk => !disk.Value.IsOpen && disk.Value.Owners.TrueForAll(owner => owner is null)).ToList())
            Disks.Remove(id);
    }

    private static IEnumerable<Piece> RunsOf(string id, NaiveDisk disk)
    {
        var start = -1;
        for (var mib = 0; mib <= disk.Owners.Count; mib++)
        {
            var isFree = mib < disk.Owners.Count && disk.Owners[mib] is null;
            if (isFree && start < 0)
                start = mib;
            if (isFree || start < 0)
                continue;
            yield return new Piece(id, new LongRange(start, mib));
            start = -1;
        }
    }

    internal sealed class NaiveDisk
    {
        public bool IsOpen { get; set; } = true;

        /// <summary>One for each MiB; null for a free one.</summary>
        public List<Guid?> Owners { get; } = [];
    }
}
