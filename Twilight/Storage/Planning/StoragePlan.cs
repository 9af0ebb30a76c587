using System.Text;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>Of what was ordered, what is not so yet; in the order in which it is to be done.</summary>
/// <param name="IsQuiet">It changes nothing about whether its subject can be used.</param>
internal sealed record Due(StorageAction Action, bool IsQuiet = false);

/// <summary>A failed action, which is not tried again before some time.</summary>
/// <param name="Failures">In a row.</param>
/// <param name="NotBefore">Monotonic.</param>
public sealed record FailureMemory(int Failures, TimeSpan NotBefore, string Why);

/// <summary>What is to be done, and what there is to report. Data: it can be printed and compared.</summary>
public sealed record StoragePlan
{
    /// <summary>At most one for each subject. What is in flight and not in here is withdrawn.</summary>
    public IReadOnlyList<StorageAction> Actions { get; init; } = [];

    /// <summary>Everything that is still to be done, also what waits: failures of others are forgotten.</summary>
    public IReadOnlySet<StorageAction> Due { get; init; } = new HashSet<StorageAction>();

    /// <summary>Objects that are to be looked into.</summary>
    public IReadOnlyDictionary<Guid, IReadOnlyList<StorageObject>> Interests { get; init; } =
        new Dictionary<Guid, IReadOnlyList<StorageObject>>();

    /// <summary>Look again at this time (monotonic) even if nothing happens.</summary>
    public TimeSpan? WakeAt { get; init; }

    public IReadOnlyList<HostStoragePoolCurrent> Pools { get; init; } = [];

    public IReadOnlyList<HostVolumeCurrent> Volumes { get; init; } = [];

    public IReadOnlyList<HostVolumeCopyCurrent> VolumeCopies { get; init; } = [];

    public IReadOnlyList<HostSnapshotCurrent> Snapshots { get; init; } = [];

    public IReadOnlyList<HostImageCurrent> Images { get; init; } = [];

    public IReadOnlyList<HostExtentCurrent> Extents { get; init; } = [];

    public IReadOnlyList<HostTombstoneCurrent> Tombstones { get; init; } = [];

    public IReadOnlyList<HostOrphanCurrent> Orphans { get; init; } = [];

    /// <summary>What there is for the disks of instances; nothing that is reported.</summary>
    public IReadOnlyList<PlannedDisk> Disks { get; init; } = [];

    /// <summary>One line per action, then one per thing that is not ready.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var action in Actions)
            text.Append($"{action}\n");
        foreach (var pool in Pools.Where(pool => pool.Status != StorageStatus.Ready))
            text.Append($"pool {pool.StoragePool}: {pool.Status} ({pool.Why})\n");
        foreach (var volume in Volumes.Where(volume => volume.Status != StorageStatus.Ready))
            text.Append($"volume {volume.Volume}: {volume.Status} ({volume.Why})\n");
        foreach (var copy in VolumeCopies.Where(copy => copy.Status != StorageStatus.Ready))
            text.Append($"copy of volume {copy.Volume}: {copy.Status} ({copy.Why})\n");
        foreach (var image in Images.Where(image => image.Status != StorageStatus.Ready))
            text.Append($"image copy {image.ImageCopy}: {image.Status} ({image.Why})\n");
        foreach (var tombstone in Tombstones)
            text.Append($"tombstone {tombstone.Tombstone}: {tombstone.Status} ({tombstone.Why})\n");
        foreach (var disk in Disks.Where(disk => disk.Readiness != DiskReadiness.Ready))
            text.Append($"disk {disk.Vdisk}: {disk.Readiness} ({disk.Why})\n");
        foreach (var orphan in Orphans)
            text.Append($"orphan {orphan.Name}\n");
        return text.ToString();
    }
}
