using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What becomes of a disk of an instance on this host.</summary>
/// <param name="Readiness">Ready when its content is whole and may be opened for the guest.</param>
/// <param name="Why">In words; null when it is ready.</param>
public sealed record PlannedDisk(Guid Vdisk, DiskReadiness Readiness, string? Why = null)
{
    /// <summary>The instance is to be on.</summary>
    public required bool IsOn { get; init; }

    /// <summary>The pool that it is in.</summary>
    public Guid Pool { get; init; }

    /// <summary>What is opened; null while that is not known.</summary>
    public StorageObject? Target { get; init; }

    /// <summary>MiB that the content has, as the host that keeps it sees it; null on others.</summary>
    public long? Size { get; init; }

    /// <summary>Another host keeps it, and so this one sees to it that it is as large here.</summary>
    public bool IsElsewhere { get; init; }

    /// <summary>The guest that has it open is what makes it larger.</summary>
    public bool IsGrownByGuest { get; init; }
}
