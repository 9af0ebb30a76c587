namespace PonyCloud.Twilight.Storage.Copying;

/// <summary>How far a piece of work is.</summary>
/// <param name="Percent">Null while nobody knows how much there is.</param>
/// <param name="Bytes">What is done of it.</param>
/// <param name="Rate">Bytes a second, over the last seconds.</param>
public readonly record struct WorkProgress(int? Percent, long? Bytes, long? Rate);

/// <summary>Fills one block device from another.</summary>
public interface IVolumeCopier
{
    /// <summary>
    /// Copies the whole content. What is zeros in the source takes no room in the target, and what the target has more than the
    /// source stays as it is.
    /// </summary>
    /// <param name="target">Empty: it reads as zeros.</param>
    /// <param name="progress">Told on any thread, as often as the tool says something.</param>
    /// <exception cref="StorageException">It cannot be done, such as when the source is larger than the target.</exception>
    /// <exception cref="OperationCanceledException">Withdrawn. What is in the target then is of no use.</exception>
    Task CopyAsync(BlockNode source, BlockNode target, IProgress<WorkProgress>? progress, CancellationToken cancellationToken);
}
