using PonyCloud.Twilight.Storage.Files;

namespace PonyCloud.Twilight.Storage.Pools;

/// <summary>A directory that libvirt makes or mounts, as a pool of the host's.</summary>
/// <param name="source">A <see cref="PoolSource.Directory"/> or <see cref="PoolSource.Export"/>.</param>
public sealed class LibvirtDirectory(IStorageHost host, Guid pool, PoolSource source) : IPoolActivation
{
    public string Directory { get; } = source switch
    {
        PoolSource.Directory directory => directory.Path,
        PoolSource.Export export => export.Path,
        _ => throw new ArgumentException("This source has no directory.", nameof(source)),
    };

    public async Task ActivateAsync(CancellationToken cancellationToken)
    {
        // Defined even when it is active: what it was defined as before may be something else, and counts from its next start on.
        await host.DefineAsync(pool, PoolXml.For(pool, source), cancellationToken);
        if (await host.FindAsync(pool, cancellationToken) is { IsActive: true })
            return;
        await AsUnreachableAsync(() => host.BuildAsync(pool, cancellationToken));
        await AsUnreachableAsync(() => host.StartAsync(pool, cancellationToken));
    }

    public async Task<PoolCapacity> CapacityAsync(CancellationToken cancellationToken)
    {
        await AsUnreachableAsync(() => host.RefreshAsync(pool, cancellationToken));
        var found = await host.FindAsync(pool, cancellationToken)
            ?? throw new StorageException(StorageFailure.Unreachable, "The pool was undefined meanwhile.");
        return new PoolCapacity(found.Capacity >> 20, found.Available >> 20);
    }

    public async Task DeactivateAsync(CancellationToken cancellationToken)
    {
        if (await host.FindAsync(pool, cancellationToken) is not { } found)
            return;
        if (found.IsActive)
            await host.StopAsync(pool, cancellationToken);
        await host.UndefineAsync(pool, cancellationToken);
    }

    /// <summary>Whatever keeps a pool from being active keeps everybody from what is in it.</summary>
    private static async Task AsUnreachableAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (StorageException exception) when (exception.Failure is StorageFailure.Failed or StorageFailure.Missing)
        {
            throw new StorageException(StorageFailure.Unreachable, exception.Message, exception);
        }
    }
}
