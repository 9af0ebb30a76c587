namespace PonyCloud.Twilight.Session;

/// <summary>The pace of the link to Sparkle.</summary>
public sealed record SessionOptions
{
    /// <summary>How often an empty update tells Sparkle that this host lives.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What an operator compares before making this machine a host; null where no key is used.</summary>
    public string? KeyFingerprint { get; init; }

    /// <summary>How often the loop looks at the time.</summary>
    public TimeSpan Tick => TimeSpan.FromMilliseconds(Math.Clamp(KeepAlive.TotalMilliseconds / 8, 20, 100));
}
