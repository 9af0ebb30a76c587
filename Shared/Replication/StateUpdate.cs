using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Replication;

/// <summary>What a sender says of its state.</summary>
/// <param name="Incarnation">What the sender drew at random when it started.</param>
/// <param name="Stream">The stream of the request that this follows; null before the first and with basic peers.</param>
public abstract record StateMessage(string Incarnation, StreamId? Stream)
{
    /// <summary>The digest of everything that the sender holds once this was applied; null when it does not say.</summary>
    public StateDigest? Digest { get; init; }
}

/// <summary>A full state (<paramref name="Seq"/> 0) or the changes since the update before it.</summary>
/// <param name="Incarnation">What the sender drew at random when it started.</param>
/// <param name="Seq">0 for a full state, counting up from 1 for partial ones.</param>
/// <param name="Stream">The stream of the request that the update follows; null before the first and with basic peers.</param>
public sealed record StateUpdate(string Incarnation, long Seq, StreamId? Stream, IReadOnlyList<RowChange> Changes)
    : StateMessage(Incarnation, Stream);

/// <summary>A piece of a full state that is too large for one message (R14).</summary>
/// <param name="Incarnation">What the sender drew at random when it started.</param>
/// <param name="Stream">The stream of the request that the full state answers.</param>
/// <param name="Index">Counts the pieces, from 0.</param>
/// <param name="IsLast">Whether the full state is complete with this one.</param>
public sealed record StateChunk(string Incarnation, StreamId Stream, int Index, bool IsLast, IReadOnlyList<RowChange> Rows)
    : StateMessage(Incarnation, Stream);

/// <summary>What a receiver has taken of a stream: all partial updates up to a seq, or all chunks up to an index.</summary>
/// <param name="Seq">The last partial update; 0 when none yet.</param>
/// <param name="Chunk">The last chunk while the full state is still coming; null once it is complete.</param>
public sealed record Acknowledgement(StreamId Stream, long Seq, int? Chunk = null);
