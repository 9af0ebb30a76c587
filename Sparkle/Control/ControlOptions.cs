using PonyCloud.Shared.Replication;

namespace PonyCloud.Sparkle.Control;

/// <summary>The pace of the controller.</summary>
public sealed record ControlOptions
{
    /// <summary>How often an empty update tells a host that the controller lives; three of them missed make a peer stale.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often the loop looks at the time.</summary>
    public TimeSpan Tick => TimeSpan.FromMilliseconds(Math.Clamp(KeepAlive.TotalMilliseconds / 8, 20, 1000));

    /// <summary>How many hosts are asked for their full state at once.</summary>
    public int ResyncsAtOnce { get; init; } = 64;

    /// <summary>How large messages to hosts may get.</summary>
    public ReplicationLimits Limits { get; init; } = new();
}
