using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Replication;

/// <summary>A full state (<paramref name="Seq"/> 0) or the changes since the update before it.</summary>
/// <param name="Incarnation">What the sender drew at random when it started.</param>
/// <param name="Seq">0 for a full state, counting up from 1 for partial ones.</param>
/// <param name="Stream">The stream of the request that the update follows; null before the first and with basic peers.</param>
public sealed record StateUpdate(string Incarnation, long Seq, StreamId? Stream, IReadOnlyList<RowChange> Changes);
