namespace PonyCloud.Shared.Reconciliation;

/// <summary>
/// How long to wait before something that failed is tried again: the delay doubles with each failure up to a bound.
/// Pure: randomness comes in as an argument.
/// </summary>
/// <param name="First">The delay after the first failure.</param>
/// <param name="Max">The delay never exceeds this.</param>
public sealed record Backoff(TimeSpan First, TimeSpan Max)
{
    /// <summary>The delay after so many failures in a row; zero when there was none.</summary>
    public TimeSpan DelayAfter(int failures)
    {
        if (failures <= 0)
            return TimeSpan.Zero;
        // Beyond 2^30 the bound has long been reached, and the product could overflow.
        var factor = 1L << Math.Min(failures - 1, 30);
        return First.Ticks > Max.Ticks / factor ? Max : First * factor;
    }

    /// <summary>
    /// The delay with full jitter, for many that fail at the same moment and shall not all come back at the same moment.
    /// </summary>
    /// <param name="failures">Failures in a row.</param>
    /// <param name="random">A number from 0 to 1.</param>
    public TimeSpan DelayAfter(int failures, double random)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(random);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(random, 1);
        return DelayAfter(failures) * random;
    }
}
