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

    /// <summary>The copy is valid.</summary>
    /// <param name="Stream">Null with a basic peer.</param>
    /// <param name="Next">Seq of the partial update that comes next.</param>
    public sealed record Synced(string Incarnation, StreamId? Stream, long Next) : ReceiverState;
}

/// <summary>What to do about a received update.</summary>
public abstract record ReceiveOutcome
{
    private ReceiveOutcome()
    {
    }

    /// <summary>Replace the whole copy by these rows, in one step.</summary>
    public sealed record Replace(IReadOnlyList<RowChange> Rows) : ReceiveOutcome;

    /// <summary>Apply these changes to the copy, in one step; none for a keep-alive.</summary>
    public sealed record Apply(IReadOnlyList<RowChange> Changes) : ReceiveOutcome;

    /// <summary>Send a resync request that names this stream.</summary>
    public sealed record Request(StreamId Stream) : ReceiveOutcome;

    /// <summary>Do nothing: a late message, or one that is not the awaited snapshot.</summary>
    public sealed record Ignore : ReceiveOutcome;
}

/// <summary>
/// One direction of replication, the side that holds a copy. Pure: it decides which updates count, and the caller
/// applies them. Owned by whoever owns the session.
/// </summary>
/// <param name="streamPrefix">Drawn at random by the caller, once per receiver (R1).</param>
public sealed class ReplicationReceiver(string streamPrefix)
{
    private static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private long _requests;

    // A sender that has repeated a stream knows streams; from then on a snapshot without one is not taken from it.
    private string? _streamingIncarnation;

    public ReceiverState State { get; private set; } = new ReceiverState.New();

    /// <param name="now">Monotonic time.</param>
    /// <param name="random">A random number in [0, 1), which spreads retries.</param>
    public ReceiveOutcome Receive(StateUpdate update, TimeSpan now, double random)
    {
        if (update.Stream is not null)
            _streamingIncarnation = update.Incarnation;
        switch (State)
        {
            case ReceiverState.Waiting(var request, _, _):
                // R2 and R5: the awaited snapshot and nothing else.
                if (update.Seq != 0 || (update.Stream is null ? update.Incarnation == _streamingIncarnation : update.Stream != request))
                    return new ReceiveOutcome.Ignore();
                State = new ReceiverState.Synced(update.Incarnation, update.Stream, 1);
                return new ReceiveOutcome.Replace(update.Changes);

            case ReceiverState.Synced(var incarnation, var stream, var next) when update.Incarnation == incarnation:
                if (update.Stream == stream && update.Seq == next)
                {
                    State = new ReceiverState.Synced(incarnation, stream, next + 1); // R3
                    return new ReceiveOutcome.Apply(update.Changes);
                }
                if ((update.Stream == stream && update.Seq < next) || update.Stream?.IsOlderThan(stream) == true)
                    return new ReceiveOutcome.Ignore(); // R4
                break;
        }
        return new ReceiveOutcome.Request(NextRequest(1, now, random));
    }

    /// <summary>Time passes: a stream name when the outstanding request is to be repeated, else null.</summary>
    public StreamId? Tick(TimeSpan now, double random) =>
        State is ReceiverState.Waiting(_, var attempt, var retryAt) && now >= retryAt
            ? NextRequest(attempt + 1, now, random)
            : null;

    private StreamId NextRequest(int attempt, TimeSpan now, double random)
    {
        var bound = Math.Min(LongestRetry.TotalSeconds, ShortestRetry.TotalSeconds * Math.Pow(2, attempt));
        var delay = ShortestRetry + TimeSpan.FromSeconds((bound - ShortestRetry.TotalSeconds) * random);
        var request = new StreamId(streamPrefix, ++_requests);
        State = new ReceiverState.Waiting(request, attempt, now + delay);
        return request;
    }
}
