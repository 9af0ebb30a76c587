namespace PonyCloud.Sparkle.Outage;

/// <summary>How orders to let go are kept while the database is away.</summary>
public sealed record LetGoOptions
{
    /// <summary>Where the journal is.</summary>
    public required string Directory { get; init; }

    /// <summary>The most rows that orders can wait for.</summary>
    public int Orders { get; init; } = 100_000;

    /// <summary>How large a file of the journal may grow before it is written anew.</summary>
    public int Bytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>How long the disk may take for one order.</summary>
    public TimeSpan DiskTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often orders that are left are tried while the database is there.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long one order may take the database; longer than the database's own timeouts, and there for a server that hangs.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
