using System.Threading.Channels;

namespace PonyCloud.Shared.Hosting;

/// <summary>
/// The queue of a loop that owns something: whatever happens waits here, and is done one at a time, in order. Bounded, so
/// that whoever is faster than the loop waits for it.
/// </summary>
public sealed class TurnQueue(TimeProvider time)
{
    private const int Length = 1024;

    private readonly Channel<Action> _queue = Channel.CreateBounded<Action>(new BoundedChannelOptions(Length) { SingleReader = true });
    private long _lastTurn = time.GetTimestamp();

    /// <summary>How long ago the loop last finished a turn; regular turns keep this short while the loop is alive.</summary>
    public TimeSpan SinceLastTurn => time.GetElapsedTime(Interlocked.Read(ref _lastTurn));

    /// <summary>Adds a turn, once there is room.</summary>
    public ValueTask AddAsync(Action turn, CancellationToken cancellation) => _queue.Writer.WriteAsync(turn, cancellation);

    /// <summary>Adds a turn without ever blocking: while there is no room, it waits in line on its own.</summary>
    public void Add(Action turn)
    {
        if (!_queue.Writer.TryWrite(turn))
            _ = _queue.Writer.WriteAsync(turn).AsTask();
    }

    /// <summary>The loop: does the turns until it is cancelled.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; otherwise it ends only by what a turn throws.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var turn in _queue.Reader.ReadAllAsync(cancellation))
        {
            turn();
            Interlocked.Exchange(ref _lastTurn, time.GetTimestamp());
        }
    }
}
