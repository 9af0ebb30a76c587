using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Replication;

/// <summary>Where a receiver stands towards one sender; drawn in README.md.</summary>
public abstract record ReceiverState
{
    private ReceiverState()
    {
    }

    /// <summary>Nothing came yet.</summary>
    public sealed record New : ReceiverState;

    /// <summary>A resync was requested.</summary>
    /// <param name="Request">The stream that the request named.</param>
    /// <param name="Attempt">Counts the requests since the copy was last valid, from 1.</param>
    /// <param name="RetryAt">When the request is repeated, on the caller's monotonic clock.</param>
    public sealed record Waiting(StreamId Request, int Attempt, TimeSpan RetryAt) : ReceiverState;

    /// <summary>The requested full state comes in chunks; none of them counts before the last is there.</summary>
    /// <param name="Next">Index of the chunk that comes next.</param>
    /// <param name="RetryAt">When to give up on it, unless the next chunk comes before.</param>
    public sealed record Assembling(StreamId Request, string Incarnation, int Next, int Attempt, TimeSpan RetryAt) : ReceiverState;

    /// <summary>The copy is valid.</summary>
    /// <param name="Stream">Null with a basic peer.</param>
    /// <param name="Next">Seq of the partial update that comes next.</param>
    public sealed record Synced(string Incarnation, StreamId? Stream, long Next) : ReceiverState;
}

/// <summary>What to do about a received message.</summary>
public abstract record ReceiveOutcome
{
    private ReceiveOutcome()
    {
    }

    /// <summary>What to tell the sender, once the rest was done; null for nothing.</summary>
    public Acknowledgement? Acknowledge { get; init; }

    /// <summary>Replace the whole copy by these rows, in one step.</summary>
    public sealed record Replace(IReadOnlyList<RowChange> Rows) : ReceiveOutcome;

    /// <summary>Apply these changes to the copy, in one step; none for a keep-alive.</summary>
    public sealed record Apply(IReadOnlyList<RowChange> Changes) : ReceiveOutcome;

    /// <summary>Send a resync request that names this stream.</summary>
    public sealed record Request(StreamId Stream) : ReceiveOutcome;

    /// <summary>Nothing changes: a late message, one that is not the awaited full state, or a chunk before the last.</summary>
    public sealed record Ignore : ReceiveOutcome;
}

/// <summary>
/// One direction of replication, the side that holds a copy. Pure: it decides which messages count, and the caller
/// applies them. Owned by whoever owns the session.
/// </summary>
/// <param name="streamPrefix">Drawn at random by the caller, once per receiver (R1).</param>
public sealed class ReplicationReceiver(string streamPrefix)
{
    /// <summary>How many partial updates a sender may have unacknowledged; told with each request.</summary>
    public const int Window = 32;

    /// <summary>Rows of one full state; a peer that sends more is not believed (I6).</summary>
    public const int MaxRows = 2_000_000;

    // Acknowledgements cumulate, so that this many updates need only one, and the window never closes on a live peer.
    private const int AcknowledgeEvery = Window / 4;

    private static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private List<RowChange> _assembled = [];
    private long _requests;
    private long _acknowledged;

    // A sender that has repeated a stream knows streams; from then on a snapshot without one is not taken from it.
    private string? _streamingIncarnation;

    public ReceiverState State { get; private set; } = new ReceiverState.New();

    /// <summary>What has been taken of the stream, to be told along with whatever is sent next; null when there is no stream.</summary>
    public Acknowledgement? Taken =>
        State is ReceiverState.Synced(_, { } stream, var next) ? new Acknowledgement(stream, next - 1) : null;

    /// <param name="now">Monotonic time.</param>
    /// <param name="random">A random number in [0, 1), which spreads retries.</param>
    public ReceiveOutcome Receive(StateMessage message, TimeSpan now, double random)
    {
        if (message.Stream is not null)
            _streamingIncarnation = message.Incarnation;
        return State switch
        {
            ReceiverState.Waiting or ReceiverState.Assembling => Await(message, now, random),
            ReceiverState.Synced synced when message.Incarnation == synced.Incarnation => Follow(message, synced, now, random),
            _ => Ask(1, now, random),
        };
    }

    /// <summary>Time passes: a stream name when the outstanding request is to be repeated, else null.</summary>
    public StreamId? Tick(TimeSpan now, double random) => State switch
    {
        ReceiverState.Waiting(_, var attempt, var retryAt) when now >= retryAt => NextRequest(attempt + 1, now, random),
        ReceiverState.Assembling(_, _, _, var attempt, var retryAt) when now >= retryAt => NextRequest(attempt + 1, now, random),
        _ => null,
    };

    /// <summary>
    /// A full state is wanted although nothing was missed: the copy turned out not to be what the sender holds (R17), or the
    /// sender is to show that it lives (R9).
    /// </summary>
    public StreamId AskAnew(TimeSpan now, double random) => NextRequest(1, now, random);

    /// <summary>R2, R5 and R14: the awaited full state and nothing else.</summary>
    private ReceiveOutcome Await(StateMessage message, TimeSpan now, double random)
    {
        var (request, attempt, next) = State switch
        {
            ReceiverState.Waiting waiting => (waiting.Request, waiting.Attempt, 0),
            ReceiverState.Assembling assembling => (assembling.Request, assembling.Attempt, assembling.Next),
            _ => throw new InvalidOperationException("Nothing is awaited."),
        };
        switch (message)
        {
            case StateUpdate { Seq: 0 } full when full.Stream is null ? full.Incarnation != _streamingIncarnation : full.Stream == request:
                return Begin(full.Incarnation, full.Stream, full.Changes);
            case StateChunk chunk when chunk.Stream == request && chunk.Index < next:
                return new ReceiveOutcome.Ignore { Acknowledge = new Acknowledgement(request, 0, next - 1) };
            case StateChunk chunk when chunk.Stream == request && chunk.Index == next:
                if (State is ReceiverState.Assembling begun && begun.Incarnation != chunk.Incarnation)
                    return new ReceiveOutcome.Ignore();
                if (_assembled.Count + chunk.Rows.Count > MaxRows)
                    return Ask(attempt + 1, now, random);
                _assembled.AddRange(chunk.Rows);
                if (chunk.IsLast)
                    return Begin(chunk.Incarnation, request, _assembled) with { Acknowledge = new Acknowledgement(request, 0) };
                // Progress puts the retry off, but does not make the next one come sooner.
                State = new ReceiverState.Assembling(request, chunk.Incarnation, next + 1, attempt, now + Delay(attempt, random));
                return new ReceiveOutcome.Ignore { Acknowledge = new Acknowledgement(request, 0, next) };
            default:
                return new ReceiveOutcome.Ignore();
        }
    }

    private ReceiveOutcome Follow(StateMessage message, ReceiverState.Synced synced, TimeSpan now, double random)
    {
        var (incarnation, stream, next) = synced;
        switch (message)
        {
            case StateUpdate update when update.Stream == stream && update.Seq == next: // R3
                State = new ReceiverState.Synced(incarnation, stream, next + 1);
                if (stream is null || next - _acknowledged < AcknowledgeEvery)
                    return new ReceiveOutcome.Apply(update.Changes);
                _acknowledged = next;
                return new ReceiveOutcome.Apply(update.Changes) { Acknowledge = Taken };
            case StateUpdate update when (update.Stream == stream && update.Seq < next) || update.Stream?.IsOlderThan(stream) == true: // R4
                return new ReceiveOutcome.Ignore();
            case StateChunk chunk when chunk.Stream == stream: // R4; its acknowledgement may have been lost
                return new ReceiveOutcome.Ignore { Acknowledge = Taken };
            case StateChunk chunk when chunk.Stream?.IsOlderThan(stream) == true: // R4
                return new ReceiveOutcome.Ignore();
            default:
                return Ask(1, now, random);
        }
    }

    private ReceiveOutcome.Replace Begin(string incarnation, StreamId? stream, IReadOnlyList<RowChange> rows)
    {
        State = new ReceiverState.Synced(incarnation, stream, 1);
        _acknowledged = 0;
        _assembled = [];
        return new ReceiveOutcome.Replace(rows);
    }

    private ReceiveOutcome.Request Ask(int attempt, TimeSpan now, double random) => new(NextRequest(attempt, now, random));

    private StreamId NextRequest(int attempt, TimeSpan now, double random)
    {
        _assembled = [];
        var request = new StreamId(streamPrefix, ++_requests);
        State = new ReceiverState.Waiting(request, attempt, now + Delay(attempt, random));
        return request;
    }

    private static TimeSpan Delay(int attempt, double random)
    {
        var bound = Math.Min(LongestRetry.TotalSeconds, ShortestRetry.TotalSeconds * Math.Pow(2, attempt));
        return ShortestRetry + TimeSpan.FromSeconds((bound - ShortestRetry.TotalSeconds) * random);
    }
}
