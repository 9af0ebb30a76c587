namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>Bounds of the streams of changes.</summary>
public sealed record WatchOptions
{
    /// <summary>How many streams there are at most: fewer than connections, so that others get in beside them.</summary>
    public int Max { get; init; } = 2048;

    /// <summary>How many of them one user has at most.</summary>
    public int MaxPerUser { get; init; } = 128;

    /// <summary>How many change sets are kept for whoever comes back.</summary>
    public int HistorySets { get; init; } = 16_384;

    /// <summary>How many bytes of change sets are kept; also the largest change set that is passed on.</summary>
    public int HistoryBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>How many change sets wait for one reader at most.</summary>
    public int QueueSets { get; init; } = 1024;

    /// <summary>How many bytes wait for one reader at most; a single larger change set waits alone.</summary>
    public int QueueBytes { get; init; } = 1024 * 1024;

    /// <summary>How many commits wait to be passed on; beyond it all streams end.</summary>
    public int Backlog { get; init; } = 4096;

    /// <summary>
    /// How often a quiet stream says how far it is, and how often every token is looked at again: the longest that a
    /// stream outlives its token.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client may leave what it was sent without a sign of life.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a client has to take the reason why its stream ends.</summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>What is wrong with the options: the property's name and a sentence about it.</summary>
    public IEnumerable<(string Option, string Problem)> Check()
    {
        if (Max is < 1 or > 100_000)
            yield return (nameof(Max), "Must be between 1 and 100000.");
        if (MaxPerUser < 1)
            yield return (nameof(MaxPerUser), "Must be at least 1.");
        if (HistoryBytes < 64 * 1024)
            yield return (nameof(HistoryBytes), "Must be at least 64 KiB.");
        if (HistorySets < 1 || QueueSets < 1 || QueueBytes < 1 || Backlog < 1)
            yield return (nameof(HistorySets), "Counts must be at least 1.");
        if (KeepAlive <= TimeSpan.Zero || PeerTimeout <= TimeSpan.Zero || Farewell <= TimeSpan.Zero)
            yield return (nameof(KeepAlive), "Times must be positive.");
    }
}
