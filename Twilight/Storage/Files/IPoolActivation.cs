namespace PonyCloud.Twilight.Storage.Files;

/// <summary>How much fits in a pool.</summary>
/// <param name="Size">MiB.</param>
/// <param name="Available">MiB that are free.</param>
public readonly record struct PoolCapacity(long Size, long Available);

/// <summary>How the host comes to the directory that a <see cref="FilePool"/> keeps its files in: made, mounted, or by libvirt.</summary>
/// <remarks>All throw <see cref="StorageException"/>, and <see cref="OperationCanceledException"/> soon after they are cancelled.</remarks>
public interface IPoolActivation
{
    /// <summary>Absolute path. Known before anything is activated.</summary>
    string Directory { get; }

    /// <summary>Makes the directory usable; harmless where it is.</summary>
    Task ActivateAsync(CancellationToken cancellationToken);

    /// <exception cref="StorageException">It is not activated, or whatever is behind it does not answer.</exception>
    Task<PoolCapacity> CapacityAsync(CancellationToken cancellationToken);

    /// <summary>Lets the directory go; the files stay.</summary>
    Task DeactivateAsync(CancellationToken cancellationToken);
}
