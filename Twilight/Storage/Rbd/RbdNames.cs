using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Twilight.Storage.Rbd;

/// <summary>
/// Gives images their final names, under a lock that is in the cluster: <c>rbd rename</c> looks whether the name is free and takes it
/// in two steps. One that is cut off leaves an image with two names, of which the directory of the pool lists one:
/// <code>
///   source ──► source, and target unlisted ──► target, and source unlisted ──► target
/// </code>
/// So what the directory lists counts. A name that it does not list is no image: it goes, and nothing behind it.
/// </summary>
internal sealed class RbdNames(RbdTool rbd, TimeProvider time)
{
    // Longer than all that is done under it, each with its limit; who dies with it keeps others waiting so long.
    private static readonly TimeSpan LockTime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly Backoff Pause = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));

    /// <returns>False when another image has the final name.</returns>
    internal Task<bool> PublishAsync(ObjectName partial, CancellationToken cancellationToken) => LockedAsync(
        partial.Published,
        async () =>
        {
            if (await RenameAsync(partial, cancellationToken))
                return true;
            if (await IsListedAsync(partial.Published, cancellationToken))
                return false;
            await rbd.RemoveNameAsync(partial.Published.ToString(), cancellationToken);
            return await RenameAsync(partial, cancellationToken);
        },
        cancellationToken);

    internal async Task<bool> IsListedAsync(ObjectName name, CancellationToken cancellationToken) =>
        (await ListAsync(cancellationToken)).Contains(name.ToString());

    internal async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken) =>
        [.. (await rbd.AskAsync(cancellationToken, "ls", "--pool", rbd.Pool)).AsArray().Select(name => (string?)name).OfType<string>()];

    /// <summary>Does something while nobody publishes under this name.</summary>
    /// <exception cref="StorageException">Somebody does, and takes long.</exception>
    internal async Task<T> LockedAsync<T>(ObjectName published, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        // An object of its own, which goes with the lock: that of the directory would keep a trace of each name.
        var place = $"ponycloud.publish.{published}";
        var begun = time.GetTimestamp();
        for (var attempt = 1; !await rbd.TryLockAsync(place, LockTime, cancellationToken); attempt++)
        {
            if (time.GetElapsedTime(begun) > Patience)
                throw new StorageException(StorageFailure.InUse, "Another worker is publishing it.");
            await Task.Delay(Pause.DelayAfter(attempt), time, cancellationToken);
        }
        var locked = time.GetTimestamp();
        try
        {
            return await work();
        }
        finally
        {
            // Also when the work was withdrawn, so that nobody has to wait for the lock to run out. Once it has, it may be another's.
            if (time.GetElapsedTime(locked) < LockTime)
            {
                await rbd.RemoveObjectAsync(place, CancellationToken.None).WaitAsync(cancellationToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<bool> RenameAsync(ObjectName partial, CancellationToken cancellationToken) => await rbd.TryAsync(
        [RbdTool.Exists], cancellationToken, "rename", rbd.Spec(partial.ToString()), rbd.Spec(partial.Published.ToString())) == 0;
}
