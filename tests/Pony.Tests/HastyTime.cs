namespace PonyCloud.Pony.Tests;

/// <summary>
/// A clock for which pauses are over at once, and have taken as long as they should. Longer limits are those of the real one.
/// </summary>
internal sealed class HastyTime : TimeProvider
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly List<TimeSpan> _pauses = [];

    /// <summary>What was waited for.</summary>
    public IReadOnlyList<TimeSpan> Pauses
    {
        get
        {
            lock (_pauses)
                return [.. _pauses];
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (_pauses)
            return _pauses.Sum(pause => pause.Ticks) + System.GetElapsedTime(0).Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime > LongestPause || dueTime < TimeSpan.Zero)
            return System.CreateTimer(callback, state, dueTime, period);
        lock (_pauses)
            _pauses.Add(dueTime);
        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
