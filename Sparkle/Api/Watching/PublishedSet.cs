using System.Collections.Immutable;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>
/// A change set as it is sent. The bytes are a Server-Sent Event, and the JSON in the middle of them is the text of a
/// WebSocket: one array for every client that gets it.
/// </summary>
internal sealed record WatchMessage(byte[] Event, int JsonStart, int JsonLength)
{
    public ReadOnlyMemory<byte> Json => Event.AsMemory(JsonStart, JsonLength);
}

/// <summary>A row at one place of the tree, and where in the bytes of its set it stands.</summary>
/// <param name="Tenant">The tenant that the path names, if it names one.</param>
/// <param name="User">The user that the path names, if it names one.</param>
internal readonly record struct PublishedRow(ResourceNode Node, string? Tenant, string? User, int Start, int Length, int PathStart, int PathLength);

/// <summary>What one revision changed that anybody may read, in the form in which it is sent.</summary>
internal sealed class PublishedSet(long revision, WatchMessage all, ImmutableArray<PublishedRow> rows, ImmutableArray<AccessChange> access)
{
    // What a row and a set take beside their bytes, roughly.
    private const int RowOverhead = 160;
    private const int SetOverhead = 256;

    private readonly List<(int[] Rows, WatchMessage Message)> _parts = [];

    public long Revision => revision;

    public ImmutableArray<PublishedRow> Rows => rows;

    /// <summary>Whose access the revision may have changed.</summary>
    public ImmutableArray<AccessChange> Access => access;

    /// <summary>Memory that the set takes, bytes.</summary>
    public int Size { get; private set; } = all.Event.Length + rows.Length * RowOverhead + SetOverhead;

    public ReadOnlySpan<byte> PathOf(PublishedRow row) => all.Event.AsSpan(row.PathStart, row.PathLength);

    /// <summary>The message with some of the rows, which are at least one.</summary>
    /// <param name="chosen">Their places in <see cref="Rows"/>, ascending.</param>
    /// <param name="keep">Whether others will ask for the same.</param>
    public WatchMessage MessageWith(List<int> chosen, bool keep)
    {
        if (chosen.Count == rows.Length)
            return all;
        foreach (var (known, message) in _parts)
        {
            if (known.AsSpan().SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(chosen)))
                return message;
        }
        var made = Cut(chosen);
        if (keep)
        {
            _parts.Add(([.. chosen], made));
            Size += made.Event.Length;
        }
        return made;
    }

    private WatchMessage Cut(List<int> chosen)
    {
        var source = all.Event.AsSpan();
        var head = rows[0].Start;
        var tail = rows[^1].Start + rows[^1].Length;
        var length = head + chosen.Count - 1 + (source.Length - tail);
        foreach (var index in chosen)
            length += rows[index].Length;
        var bytes = new byte[length];
        source[..head].CopyTo(bytes);
        var at = head;
        foreach (var index in chosen)
        {
            if (at > head)
                bytes[at++] = (byte)',';
            source.Slice(rows[index].Start, rows[index].Length).CopyTo(bytes.AsSpan(at));
            at += rows[index].Length;
        }
        source[tail..].CopyTo(bytes.AsSpan(at));
        return new WatchMessage(bytes, all.JsonStart, length - (all.Event.Length - all.JsonLength));
    }
}
