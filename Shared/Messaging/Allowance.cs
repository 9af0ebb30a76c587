namespace PonyCloud.Shared.Messaging;

/// <summary>A token bucket: so many at once, and so many a second after that. Pure; owned by whoever is limited.</summary>
public sealed class Allowance(int burst, double perSecond)
{
    private readonly double _burst = burst;
    private double _tokens = burst;
    private TimeSpan _last;

    /// <summary>How many were turned away since the last one that was not.</summary>
    public long Refused { get; private set; }

    /// <param name="now">Monotonic time.</param>
    public bool Take(TimeSpan now)
    {
        if (now > _last)
        {
            _tokens = Math.Min(_burst, _tokens + (now - _last).TotalSeconds * perSecond);
            _last = now;
        }
        if (_tokens < 1)
        {
            Refused++;
            return false;
        }
        _tokens--;
        Refused = 0;
        return true;
    }
}
