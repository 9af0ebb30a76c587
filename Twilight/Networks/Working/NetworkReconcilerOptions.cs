using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Twilight.Networks.Working;

public sealed record NetworkReconcilerOptions
{
    /// <summary>The uuid of this host.</summary>
    public required Guid Host { get; init; }

    /// <summary>How long a change of the path to Sparkle may take to show that it works.</summary>
    public TimeSpan Trial { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What is heard so soon after a change was on its way before.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Between looks at the kernel: its own changes wake the loop, too.</summary>
    public TimeSpan ScanPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the network is looked at when nothing happens.</summary>
    public TimeSpan ScanInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often what came and went is counted.</summary>
    public TimeSpan CountInterval { get; init; } = TimeSpan.FromSeconds(30);

    public ReconcilerLoopOptions Loop { get; init; } = new();
}
