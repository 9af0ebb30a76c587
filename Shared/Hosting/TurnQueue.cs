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
    private long _turns;
    private long _busyTicks;

    /// <summary>How long ago the loop last finished a turn; regular turns keep this short while the loop is alive.</summary>
    public TimeSpan SinceLastTurn => time.GetElapsedTime(Interlocked.Read(ref _lastTurn));

    /// <summary>How many turns wait.</summary>
    public int Waiting => _queue.Reader.Count;

    /// <summary>How many turns were done.</summary>
    public long Turns => Interlocked.Read(ref _turns);

    /// <summary>How long they took, all together.</summary>
    public TimeSpan Busy => TimeSpan.FromTicks(Interlocked.Read(ref _busyTicks));

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
            var start = time.GetTimestamp();
            turn();
            var end = time.GetTimestamp();
            Interlocked.Exchange(ref _lastTurn, end);
            Interlocked.Add(ref _busyTicks, time.GetElapsedTime(start, end).Ticks);
            Interlocked.Increment(ref _turns);
        }
    }
}
