using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Twilight.Storage.Working;

public sealed record StorageReconcilerOptions
{
    /// <summary>The uuid of this host.</summary>
    public required Guid Host { get; init; }

    /// <summary>
    /// A directory on a disk of the host itself: for images while they are fetched, for copies of those whose pools keep none, and for
    /// what was carried out.
    /// </summary>
    public required string StagingDirectory { get; init; }

    /// <summary>A pool that does not answer for so long is broken.</summary>
    public TimeSpan ScanLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How often a pool is looked at when nothing happens.</summary>
    public TimeSpan ScanInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long what was seen inside of an object counts.</summary>
    public TimeSpan DetailsInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often progress is reported.</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromSeconds(1);

    public Backoff ScanBackoff { get; init; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    /// <summary>When what failed is tried again.</summary>
    public Backoff Backoff { get; init; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));

    public ReconcilerLoopOptions Loop { get; init; } = new();
}
