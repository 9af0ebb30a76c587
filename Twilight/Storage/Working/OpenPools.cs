using System.Collections.Concurrent;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>A pool that was prepared.</summary>
public sealed record OpenPool(PoolDefinition Definition, IStoragePool Pool);

/// <summary>The prepared pools. Written by the one action that a pool has at a time, and read by everybody.</summary>
public sealed class OpenPools
{
    private readonly ConcurrentDictionary<Guid, OpenPool> _pools = [];

    public IReadOnlyDictionary<Guid, OpenPool> All => _pools;

    /// <exception cref="StorageException">It is not prepared.</exception>
    public IStoragePool this[Guid pool] => _pools.TryGetValue(pool, out var open)
        ? open.Pool
        : throw new StorageException(StorageFailure.Unreachable, "The pool is not prepared on this host.");

    /// <returns>The one that was there before.</returns>
    internal OpenPool? Put(OpenPool open)
    {
        OpenPool? before = null;
        _pools.AddOrUpdate(open.Definition.Pool.Uuid, open, (_, old) =>
        {
            before = old;
            return open;
        });
        return before;
    }

    internal void Remove(Guid pool) => _pools.TryRemove(pool, out _);
}
