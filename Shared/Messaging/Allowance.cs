namespace PonyCloud.Shared.Messaging;

/// <summary>
/// A token bucket: so many at once, and one more each time that the pace has passed. Pure; owned by whoever is limited.
/// </summary>
/// <param name="burst">How many there are at once after a quiet time.</param>
/// <param name="pace">The time after which there is one more.</param>
public sealed class Allowance(int burst, TimeSpan pace)
{
    // The time at which it will be full: one subtraction instead of a count and a time.
    private TimeSpan _fullAt = TimeSpan.MinValue;

    /// <summary>Whether it is as good as new.</summary>
    /// <param name="now">Monotonic time.</param>
    public bool IsFull(TimeSpan now) => _fullAt <= now;

    /// <summary>Whether there is one to take.</summary>
    /// <param name="now">Monotonic time.</param>
    public bool HasOne(TimeSpan now) => _fullAt <= now || _fullAt - now <= pace * (burst - 1);

    /// <summary>Takes one; false when there is none.</summary>
    /// <param name="now">Monotonic time.</param>
    public bool Take(TimeSpan now)
    {
        if (!HasOne(now))
            return false;
        _fullAt = (IsFull(now) ? now : _fullAt) + pace;
        return true;
    }
}
