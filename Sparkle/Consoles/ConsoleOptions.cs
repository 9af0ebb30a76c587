namespace PonyCloud.Sparkle.Consoles;

/// <summary>Bounds of consoles.</summary>
public sealed record ConsoleOptions
{
    /// <summary>Consoles open at once.</summary>
    public int Max { get; init; } = 512;

    /// <summary>Consoles of one tenant open at once.</summary>
    public int MaxPerTenant { get; init; } = 32;

    /// <summary>Tickets that wait to be used.</summary>
    public int TicketsMax { get; init; } = 1024;

    /// <summary>So long a ticket waits.</summary>
    public TimeSpan TicketLifetime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>So long a host may take to be connected to, and to begin its answer.</summary>
    public TimeSpan HostLimit { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>So long the sending of a log may take in all.</summary>
    public TimeSpan LogLimit { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often a viewer that waits looks whether its instance is there again.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>When whoever is refused for now may come again.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(2);
}
