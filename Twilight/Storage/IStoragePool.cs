using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage;

/// <summary>What a pool can do by itself.</summary>
public sealed record PoolAbilities
{
    /// <summary>Objects have names, so they are made apart and published; otherwise they are made in place.</summary>
    public required bool Publishes { get; init; }

    /// <summary>Volumes can share what they have not written with an image copy.</summary>
    public required bool Clones { get; init; }

    public required bool Snapshots { get; init; }

    /// <summary>Image copies are in the pool; otherwise the host keeps them in its staging directory.</summary>
    public required bool KeepsImages { get; init; }

    /// <summary>Objects can be grown and kept as snapshots while a guest has them open. Otherwise only its QEMU can do that.</summary>
    public bool WorksInUse { get; init; }
}

/// <summary>
/// A pool on this host. Every call but <see cref="Abilities"/> may take long or never end by itself; whoever calls gives it a
/// token, and it returns soon after that is cancelled. Calls on one object are made one after the other; those on different
/// objects may overlap.
/// </summary>
/// <remarks>
/// All throw <see cref="StorageException"/> and <see cref="OperationCanceledException"/>. What is cancelled or fails may leave a
/// partial object behind and nothing else: an object that was published is whole. To repeat what is done already is harmless.
/// </remarks>
public interface IStoragePool : IAsyncDisposable
{
    PoolAbilities Abilities { get; }

    /// <summary>Makes the pool usable on this host: activated, mounted, connected. Makes no content and wipes none.</summary>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Undoes <see cref="PrepareAsync"/>; the content stays. Refused while something has it open, as far as the system tells.
    /// </summary>
    Task ReleaseAsync(CancellationToken cancellationToken);

    /// <exception cref="StorageException">The pool is not usable; the message says why.</exception>
    Task<PoolScan> ScanAsync(CancellationToken cancellationToken);

    Task<ObjectDetails> InspectAsync(StorageObject target, CancellationToken cancellationToken);

    /// <summary>
    /// Makes an empty object, which reads as zeros: a partial one where the pool publishes, else the thing itself. What is there of
    /// that name is replaced.
    /// </summary>
    Task CreateAsync(StorageObject target, CancellationToken cancellationToken);

    /// <summary>
    /// As <see cref="CreateAsync"/>, and shares what it has not written with an image copy, which must not be larger. Only where
    /// <see cref="PoolAbilities.Clones"/>.
    /// </summary>
    Task CloneAsync(ObjectName image, StorageObject target, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a partial object its final name, atomically, once what it holds would survive a power cut. Only where
    /// <see cref="PoolAbilities.Publishes"/>.
    /// </summary>
    /// <returns>False when one of that name is there already, which stays as it is; so does the partial one.</returns>
    Task<bool> PublishAsync(StorageObject partial, CancellationToken cancellationToken);

    /// <summary>Lets a tool or a guest open an object, as long as the lease lives.</summary>
    Task<IBlockLease> OpenAsync(StorageObject target, bool writable, CancellationToken cancellationToken);

    /// <summary>
    /// Makes an object as large as <see cref="StorageObject.Offered"/> says; what is new reads as zeros. Never makes it smaller.
    /// </summary>
    Task GrowAsync(StorageObject target, CancellationToken cancellationToken);

    /// <summary>
    /// Wipes what is behind <see cref="StorageObject.Cleared"/>, up to its size; it is on the disk when this returns. Nobody has that open,
    /// whoever has the rest. Only where not <see cref="PoolAbilities.Publishes"/>.
    /// </summary>
    /// <param name="progress">Gets the percentage that is done.</param>
    Task ClearAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken) => Task.FromException(
        new StorageException(StorageFailure.Unsupported, "The space of this pool is zeros wherever nothing was written."));

    /// <summary>
    /// Removes an object with its snapshots; what is not there is removed. In a pool of units or extents the space is wiped.
    /// </summary>
    /// <param name="progress">Gets the percentage that is done, where it takes long.</param>
    Task RemoveAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken);

    /// <summary>Only where <see cref="PoolAbilities.Snapshots"/>; one of the name that is there already stays as it is.</summary>
    Task SnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken);

    Task RemoveSnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the content what it was at the snapshot, which stays; where the object was smaller then, it is so again. Can be
    /// done again.
    /// </summary>
    Task RevertAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken);
}

/// <summary>A type of pool.</summary>
public interface IStoragePoolDriver
{
    StoragePoolType Type { get; }

    /// <summary>Only remembers what the pool is; nothing is touched before <see cref="IStoragePool.PrepareAsync"/>.</summary>
    /// <exception cref="StorageException">The definition makes no sense.</exception>
    IStoragePool Open(PoolDefinition definition);
}
