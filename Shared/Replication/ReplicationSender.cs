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

    /// <summary>The receiver is being sent a full state in chunks (R14).</summary>
    /// <param name="Count">How many chunks there are.</param>
    /// <param name="Sent">How many of them were sent.</param>
    /// <param name="Acknowledged">How many of them the receiver has taken.</param>
    public sealed record Sending(StreamId Stream, int Count, int Sent, int Acknowledged) : SenderState;

    /// <summary>The receiver was sent a full state and follows by partial updates.</summary>
    /// <param name="Stream">Null with a basic peer.</param>
    /// <param name="Next">Seq of the next partial update.</param>
    /// <param name="Acknowledged">Seq of the last partial update that the receiver has taken, as far as it said so.</param>
    public sealed record Streaming(StreamId? Stream, long Next, long Acknowledged) : SenderState;
}

/// <summary>
/// One direction of replication, the side that holds the state. Pure: it decides what may be sent and numbers it. Owned
/// by whoever owns the session.
/// </summary>
/// <param name="incarnation">Drawn at random by the caller, once per start of the sending side.</param>
public sealed class ReplicationSender(string incarnation)
{
    /// <summary>How many chunks of a full state may be unacknowledged.</summary>
    public const int ChunkWindow = 4;

    // A receiver has one prefix for as long as it lives; a few predecessors of it can still have requests in flight.
    private const int RememberedPrefixes = 8;

    private readonly OrderedDictionary<string, long> _lastRequests = new(StringComparer.Ordinal);
    private IReadOnlyList<IReadOnlyList<RowChange>> _chunks = [];
    private StateDigest? _digest;
    private int _window;
    private long _announcements;

    public string Incarnation { get; } = incarnation;

    public SenderState State { get; private set; } = new SenderState.NotReady();

    /// <summary>
    /// Whether changes may be sent now. While they may not, they wait at the caller, only the newest of each row: until the
    /// receiver has caught up, or asks for a full state.
    /// </summary>
    public bool TakesChanges => State is SenderState.Streaming(_, var next, var acknowledged)
        && (_window == 0 || next - 1 - acknowledged < _window);

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
        _chunks = [];
    }

    /// <summary>Whether a request is to be answered by a full state (R6, R7).</summary>
    public bool Accepts(StreamId? request) =>
        State is not SenderState.NotReady
        && !(request is not null && _lastRequests.TryGetValue(request.Prefix, out var last) && request.Counter <= last);

    /// <summary>Starts the stream of an accepted request; a full state that is still being sent is given up.</summary>
    /// <param name="window">How many partial updates the receiver lets be unacknowledged; 0 when it acknowledges nothing.</param>
    /// <param name="chunks">Every row that the receiver is to have, cut; in one piece for a receiver without a window.</param>
    /// <param name="digest">Of all those rows.</param>
    /// <returns>What to send now; the rest follows on acknowledgements.</returns>
    public IReadOnlyList<StateMessage> Snapshot(
        StreamId? request, int window, IReadOnlyList<IReadOnlyList<RowChange>> chunks, StateDigest? digest = null)
    {
        if (!Accepts(request))
            throw new InvalidOperationException("A snapshot answers an accepted request only.");
        if (request is not null)
            Remember(request);
        _window = request is null ? 0 : window;
        if (chunks.Count <= 1 || request is null || _window == 0)
        {
            State = new SenderState.Streaming(request, 1, 0);
            _chunks = [];
            return [new StateUpdate(Incarnation, 0, request, chunks.Count == 1 ? chunks[0] : [.. chunks.SelectMany(rows => rows)]) { Digest = digest }];
        }
        _chunks = chunks;
        _digest = digest;
        State = new SenderState.Sending(request, chunks.Count, 0, 0);
        return NextChunks();
    }

    /// <summary>The receiver has taken something.</summary>
    /// <returns>What may be sent of a full state now.</returns>
    public IReadOnlyList<StateMessage> Acknowledged(Acknowledgement what)
    {
        switch (State)
        {
            case SenderState.Sending sending when what.Stream == sending.Stream && what.Chunk is { } chunk && chunk < sending.Sent && chunk >= sending.Acknowledged:
                State = sending with { Acknowledged = chunk + 1 };
                return NextChunks();
            case SenderState.Streaming streaming when what.Stream == streaming.Stream && what.Chunk is null && what.Seq < streaming.Next && what.Seq > streaming.Acknowledged:
                State = streaming with { Acknowledged = what.Seq };
                return [];
            default:
                return []; // Late, or of a stream that is over.
        }
    }

    /// <summary>
    /// The next partial update, empty for a keep-alive. Null when nothing may be sent, or when there are changes that have
    /// to wait. A keep-alive goes out past a closed window: it is how a receiver finds out that it missed something. While
    /// a full state is being sent it names no stream: who assembles ignores it, and a receiver that started anew asks.
    /// </summary>
    /// <param name="digest">Of all rows once the changes are applied; null when it is not known.</param>
    public StateUpdate? Partial(IReadOnlyList<RowChange> changes, StateDigest? digest = null)
    {
        switch (State)
        {
            case SenderState.Streaming streaming when changes.Count == 0 || TakesChanges:
                State = streaming with { Next = streaming.Next + 1 };
                return new StateUpdate(Incarnation, streaming.Next, streaming.Stream, changes) { Digest = digest };
            case SenderState.NoStream or SenderState.Sending when changes.Count == 0:
                return new StateUpdate(Incarnation, ++_announcements, null, []);
            default:
                return null;
        }
    }

    private void Remember(StreamId request)
    {
        _lastRequests.Remove(request.Prefix);
        if (_lastRequests.Count == RememberedPrefixes)
            _lastRequests.RemoveAt(0);
        _lastRequests.Add(request.Prefix, request.Counter);
    }

    private List<StateMessage> NextChunks()
    {
        var messages = new List<StateMessage>();
        var (stream, count, sent, acknowledged) = (SenderState.Sending)State;
        for (; sent < count && sent - acknowledged < ChunkWindow; sent++)
        {
            var isLast = sent == count - 1;
            messages.Add(new StateChunk(Incarnation, stream, sent, isLast, _chunks[sent]) { Digest = isLast ? _digest : null });
        }
        State = new SenderState.Sending(stream, count, sent, acknowledged);
        if (sent == count)
        {
            // The rest is the receiver's: partial updates queue up behind the last chunk.
            State = new SenderState.Streaming(stream, 1, 0);
            _chunks = [];
        }
        return messages;
    }
}
