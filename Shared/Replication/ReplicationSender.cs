using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Replication;

/// <summary>Where a sender stands towards one receiver; drawn in README.md.</summary>
public abstract record SenderState
{
    private SenderState()
    {
    }

    /// <summary>The sender's own state is not complete; it answers nothing (R7).</summary>
    public sealed record NotReady : SenderState;

    /// <summary>The receiver has no valid copy; empty updates make it ask for one.</summary>
    public sealed record NoStream : SenderState;

    /// <summary>The receiver was sent a snapshot and follows by partial updates.</summary>
    /// <param name="Stream">Null with a basic peer.</param>
    /// <param name="Next">Seq of the next partial update.</param>
    public sealed record Streaming(StreamId? Stream, long Next) : SenderState;
}

/// <summary>
/// One direction of replication, the side that holds the state. Pure: it decides what may be sent and numbers it. Owned
/// by whoever owns the session.
/// </summary>
/// <param name="incarnation">Drawn at random by the caller, once per start of the sending side.</param>
public sealed class ReplicationSender(string incarnation)
{
    // A receiver has one prefix for as long as it lives; a few predecessors of it can still have requests in flight.
    private const int RememberedPrefixes = 8;

    private readonly OrderedDictionary<string, long> _lastRequests = new(StringComparer.Ordinal);
    private long _announcements;

    public string Incarnation { get; } = incarnation;

    public SenderState State { get; private set; } = new SenderState.NotReady();

    /// <summary>The sender's own state is complete from now on.</summary>
    public void BecomeReady()
    {
        if (State is SenderState.NotReady)
            State = new SenderState.NoStream();
    }

    /// <summary>The sender's own state is no longer complete, or the peer could not be reached (R13): the stream ends.</summary>
    public void DropStream(bool ready)
    {
        State = ready ? new SenderState.NoStream() : new SenderState.NotReady();
    }

    /// <summary>Whether a request is to be answered by a snapshot (R6, R7).</summary>
    public bool Accepts(StreamId? request) =>
        State is not SenderState.NotReady
        && !(request is not null && _lastRequests.TryGetValue(request.Prefix, out var last) && request.Counter <= last);

    /// <summary>Starts the stream of an accepted request.</summary>
    /// <param name="rows">Every row that the receiver is to have.</param>
    public StateUpdate Snapshot(StreamId? request, IReadOnlyList<RowChange> rows)
    {
        if (!Accepts(request))
            throw new InvalidOperationException("A snapshot answers an accepted request only.");
        if (request is not null)
            Remember(request);
        State = new SenderState.Streaming(request, 1);
        return new StateUpdate(Incarnation, 0, request, rows);
    }

    private void Remember(StreamId request)
    {
        _lastRequests.Remove(request.Prefix);
        if (_lastRequests.Count == RememberedPrefixes)
            _lastRequests.RemoveAt(0);
        _lastRequests.Add(request.Prefix, request.Counter);
    }

    /// <summary>
    /// The next partial update, empty for a keep-alive. Null when nothing may be sent, or when there are changes and no
    /// stream to send them in: they will be in the snapshot.
    /// </summary>
    public StateUpdate? Partial(IReadOnlyList<RowChange> changes)
    {
        switch (State)
        {
            case SenderState.Streaming(var stream, var next):
                State = new SenderState.Streaming(stream, next + 1);
                return new StateUpdate(Incarnation, next, stream, changes);
            case SenderState.NoStream when changes.Count == 0:
                return new StateUpdate(Incarnation, ++_announcements, null, []);
            default:
                return null;
        }
    }
}
