namespace PonyCloud.Sparkle.Hosts;

/// <summary>A token bucket: so many at once, and so many a second after that.</summary>
internal sealed class Allowance(int burst, double perSecond)
{
    private readonly double _burst = burst;
    private double _tokens = burst;
    private TimeSpan _last;

    /// <summary>How many were turned away since the last one that was not.</summary>
    public long Refused { get; private set; }

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
