using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Replication;

/// <summary>How large messages may get.</summary>
public sealed record ReplicationLimits
{
    /// <summary>Bytes of rows that still go in one message.</summary>
    public int MessageBytes { get; init; } = 1024 * 1024;

    /// <summary>Bytes of rows in a chunk of a full state that is larger; a single larger row makes a chunk of its own.</summary>
    public int ChunkBytes { get; init; } = 512 * 1024;
}

/// <summary>Everything that a receiver is to have, cut into pieces that fit a message (R14).</summary>
/// <param name="Chunks">At least one, which may be empty.</param>
/// <param name="Digest">Of the rows that are there; changes that remove a row do not count.</param>
public sealed record FullState(IReadOnlyList<IReadOnlyList<RowChange>> Chunks, StateDigest Digest)
{
    // A change that removes a row: names and a key.
    private const int RemovalBytes = 160;

    public static FullState Cut(IEnumerable<RowChange> rows, RowHasher hasher, ReplicationLimits limits)
    {
        var digest = default(StateDigest);
        var all = new List<RowChange>();
        var sizes = new List<int>();
        long total = 0;
        foreach (var row in rows)
        {
            var bytes = RemovalBytes;
            if (row.Value is not null)
            {
                var hash = hasher.Hash(row);
                digest = digest.With(hash);
                bytes = hash.Bytes;
            }
            all.Add(row);
            sizes.Add(bytes);
            total += bytes;
        }
        return new FullState(total <= limits.MessageBytes ? [all] : Cut(all, sizes, limits.ChunkBytes), digest);
    }

    private static List<IReadOnlyList<RowChange>> Cut(List<RowChange> rows, List<int> sizes, int limit)
    {
        var chunks = new List<IReadOnlyList<RowChange>>();
        var start = 0;
        var bytes = 0;
        for (var i = 0; i < rows.Count; i++)
        {
            if (i > start && bytes + sizes[i] > limit)
            {
                chunks.Add(rows.GetRange(start, i - start));
                start = i;
                bytes = 0;
            }
            bytes += sizes[i];
        }
        chunks.Add(rows.GetRange(start, rows.Count - start));
        return chunks;
    }
}
