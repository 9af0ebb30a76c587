namespace PonyCloud.Sparkle.Transfers;

/// <summary>Bounds of transfers.</summary>
public sealed record TransferOptions
{
    /// <summary>Transfers at once.</summary>
    public int Max { get; init; } = 64;

    /// <summary>Transfers of one tenant at once.</summary>
    public int MaxPerTenant { get; init; } = 8;

    /// <summary>So long a host may take to be connected to, with TLS.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>So long a host may take to begin its answer, and to take or give one block.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>So long a host may take to bring what was sent to its disk.</summary>
    public TimeSpan FlushLimit { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>So long it may take until a host has heard of an order that was just given.</summary>
    public TimeSpan OrderLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>When whoever is refused for now may come again.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(2);
}
