namespace PonyCloud.Pony.Http;

/// <summary>Whether to try again, and when: a few times, each after a longer while, and never sooner than the server asks for.</summary>
internal static class RetryPolicy
{
    public const int MaxAttempts = 4;

    /// <summary>A server that wants to be left alone for longer is not waited for.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(250);

    /// <param name="attempt">How many attempts were made.</param>
    /// <param name="retryAfter">What the server asked for.</param>
    /// <param name="chance">Between 0 and 1: spreads out clients that failed at the same moment.</param>
    /// <returns>How long to wait; null to give up.</returns>
    public static TimeSpan? Wait(int attempt, TimeSpan? retryAfter, double chance)
    {
        if (attempt >= MaxAttempts || retryAfter > LongestWait)
            return null;
        var own = FirstWait * Math.Pow(2, attempt - 1) * (0.5 + chance);
        return retryAfter > own ? retryAfter.Value + (FirstWait * chance) : own;
    }
}
