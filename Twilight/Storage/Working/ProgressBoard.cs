using System.Collections.Concurrent;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>How far the work in flight is. Written by those who do it, on any thread.</summary>
public sealed class ProgressBoard
{
    private readonly ConcurrentDictionary<StorageSubject, WorkProgress> _progress = [];

    internal IProgress<WorkProgress> For(StorageSubject subject) => new Line(this, subject);

    internal void Clear(StorageSubject subject) => _progress.TryRemove(subject, out _);

    internal ProgressSample Sample() => new(_progress.ToDictionary());

    // Not Progress<T>, which would tell it later, and in any order.
    private sealed class Line(ProgressBoard board, StorageSubject subject) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => board._progress[subject] = value;
    }
}

/// <summary>How far everything was at one moment.</summary>
internal sealed class ProgressSample(IReadOnlyDictionary<StorageSubject, WorkProgress> progress)
{
    internal static readonly ProgressSample None = new(new Dictionary<StorageSubject, WorkProgress>());

    internal StoragePlan Show(StoragePlan plan, StorageOrders orders) => progress.Count == 0 ? plan : plan with
    {
        Volumes = [.. plan.Volumes.Select(volume => Show(volume, orders))],
        VolumeCopies = [.. plan.VolumeCopies.Select(copy => Show(copy, orders))],
        Images = [.. plan.Images.Select(image => Show(image, orders))],
        Tombstones = [.. plan.Tombstones.Select(tombstone => Show(tombstone, orders))],
    };

    private HostVolumeCurrent Show(HostVolumeCurrent row, StorageOrders orders) =>
        orders.Volumes.TryGetValue(row.Volume, out var volume)
        && Find(StorageSubject.OfVolume(volume.StoragePool, volume.Uuid)) is { } found
            ? row with { Progress = found.Percent, Bytes = found.Bytes, Rate = found.Rate }
            : row;

    private HostVolumeCopyCurrent Show(HostVolumeCopyCurrent row, StorageOrders orders) =>
        row.Status != StorageStatus.Ready && orders.Volumes.TryGetValue(row.Volume, out var volume)
        && Find(StorageSubject.OfVolume(volume.StoragePool, volume.Uuid)) is { } found
            ? row with { Progress = found.Percent, Bytes = found.Bytes, Rate = found.Rate }
            : row;

    private HostImageCurrent Show(HostImageCurrent row, StorageOrders orders)
    {
        var copy = orders.Copies.First(copy => copy.Uuid == row.ImageCopy);
        var found = Find(StorageSubject.OfImage(copy.StoragePool, copy.Image))
            ?? Find(StorageSubject.OfImage(StagingPool.Uuid, copy.Image));
        return found is { } progress ? row with { Progress = progress.Percent, Bytes = progress.Bytes, Rate = progress.Rate } : row;
    }

    private HostTombstoneCurrent Show(HostTombstoneCurrent row, StorageOrders orders)
    {
        var tombstone = orders.Tombstones.First(tombstone => tombstone.Uuid == row.Tombstone);
        return Find(new StorageSubject(tombstone.StoragePool, SubjectKind.Volume, tombstone.Target)) is { } found
            ? row with { Progress = found.Percent }
            : row;
    }

    private WorkProgress? Find(StorageSubject subject) => progress.TryGetValue(subject, out var found) ? found : null;
}
