using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Twilight.Storage.Rbd;

/// <summary>
/// Removes images with their snapshots.
/// <code>
///                        ┌──────── removed ◄──────────────┐
///   base ── unprotect ─► rm ── has snapshots ─► purge ─► rm
///            │ busy       │ watched
///            ▼            └──► wait for who died with it open ─► rm … ─► in use
///       has dependents
/// </code>
/// </summary>
internal sealed class RbdRemoval(RbdTool rbd, RbdNames names, TimeProvider time)
{
    // Longer than the half minute after which the cluster forgets who died with an image open.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);
    private static readonly Backoff Pause = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(5));

    internal async Task RemoveAsync(ObjectName name, CancellationToken cancellationToken)
    {
        if (name is { Kind: ObjectKind.Image, IsPartial: false } && await IsBackingAsync(name.ToString(), cancellationToken))
            throw new StorageException(StorageFailure.HasDependents, "Volumes in the pool are made from it.");
        // Nobody publishes what is published, and who publishes a partial image may be at it still.
        if (!name.IsPartial)
            await RemoveListedAsync(name, cancellationToken);
        else
            await names.LockedAsync(name.Published, () => RemoveListedAsync(name, cancellationToken), cancellationToken);
    }

    /// <returns>Whether it was there.</returns>
    private async Task<bool> RemoveListedAsync(ObjectName name, CancellationToken cancellationToken)
    {
        var image = name.ToString();
        if (!await names.IsListedAsync(name, cancellationToken))
        {
            // What is behind it, if anything, has another name.
            await rbd.RemoveNameAsync(image, cancellationToken);
            return false;
        }
        var begun = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            switch (await TryAsync(image, cancellationToken))
            {
                case not 0 and not RbdTool.NotThere when time.GetElapsedTime(begun) > Patience:
                    throw new StorageException(StorageFailure.InUse, "Something has the image open.");
                case RbdTool.HasSnapshots:
                    await rbd.WorkAsync([RbdTool.NotThere], cancellationToken, "snap", "purge", "--no-progress", rbd.Spec(image));
                    break;
                case RbdTool.Busy:
                    await Task.Delay(Pause.DelayAfter(attempt), time, cancellationToken);
                    break;
                case var code:
                    return code == 0;
            }
        }
    }

    /// <summary>What is not there is removed.</summary>
    private Task<int> TryAsync(string image, CancellationToken cancellationToken) => rbd.WorkAsync(
        [RbdTool.NotThere, RbdTool.Busy, RbdTool.HasSnapshots], cancellationToken, "rm", "--no-progress", rbd.Spec(image));

    /// <summary>Lets the base of an image copy go, unless something is made from it.</summary>
    private async Task<bool> IsBackingAsync(string image, CancellationToken cancellationToken) => await rbd.TryAsync(
        [RbdTool.NotThere, RbdTool.NotProtected, RbdTool.Busy], cancellationToken,
        "snap", "unprotect", rbd.Spec(image, RbdPool.Base)) == RbdTool.Busy;
}
