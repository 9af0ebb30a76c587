using System.Threading.Channels;

namespace PonyCloud.Twilight.Storage.Pools;

/// <summary>A pool as libvirt has it.</summary>
/// <param name="Capacity">Bytes, as they were at the last refresh; so are the others.</param>
public sealed record HostPool(bool IsActive, long Capacity, long Allocation, long Available);

/// <summary>A volume of such a pool.</summary>
/// <param name="Capacity">Bytes.</param>
/// <param name="Allocation">Bytes.</param>
public sealed record HostPoolVolume(string Name, string Key, string Path, long Capacity, long Allocation);

/// <summary>A reason to look at a pool, never the state.</summary>
/// <param name="Pool">Null for all of them: the connection came or went.</param>
public sealed record StorageHostEvent(Guid? Pool, string What);

/// <summary>
/// What activates storage pools on this host, and keeps secrets for them. Connects by itself, in the background, and goes on
/// trying; a pool is looked up anew, by its uuid, for each call.
/// </summary>
/// <remarks>
/// All throw <see cref="StorageException"/>, of <see cref="StorageFailure.Unreachable"/> while there is no connection or no answer in
/// time and of <see cref="StorageFailure.Missing"/> for a pool that is not defined, and <see cref="OperationCanceledException"/>. What
/// was given up may end later; until then every other call on that pool is refused, and an event tells when it is over.
/// </remarks>
public interface IStorageHost : IAsyncDisposable
{
    /// <summary>Bounded, the oldest are dropped when nobody reads. Completed when this is disposed.</summary>
    ChannelReader<StorageHostEvent> Events { get; }

    /// <summary>Defines a pool, or replaces the definition of the one with the same uuid from its next start on.</summary>
    /// <param name="pool">The uuid that the definition names.</param>
    Task DefineAsync(Guid pool, string xml, CancellationToken cancellationToken);

    /// <summary>Makes what a pool stands in, such as its directory; of a pool that is not active.</summary>
    Task BuildAsync(Guid pool, CancellationToken cancellationToken);

    /// <summary>Activates a pool that is not.</summary>
    Task StartAsync(Guid pool, CancellationToken cancellationToken);

    /// <summary>Looks at an active pool again. One that cannot be looked at is no longer active.</summary>
    Task RefreshAsync(Guid pool, CancellationToken cancellationToken);

    /// <summary>Deactivates a pool that is active; its content stays.</summary>
    Task StopAsync(Guid pool, CancellationToken cancellationToken);

    /// <summary>Forgets a pool that is not active.</summary>
    Task UndefineAsync(Guid pool, CancellationToken cancellationToken);

    /// <returns>Null when it is not defined.</returns>
    Task<HostPool?> FindAsync(Guid pool, CancellationToken cancellationToken);

    /// <summary>The volumes of an active pool, as they were at its last refresh.</summary>
    Task<IReadOnlyList<HostPoolVolume>> ListVolumesAsync(Guid pool, CancellationToken cancellationToken);

    /// <summary>Defines a secret, or replaces the one with the same uuid, and sets its value.</summary>
    /// <param name="secret">The uuid that the definition names, see <see cref="SecretXml"/>.</param>
    Task SetSecretAsync(Guid secret, string xml, ReadOnlyMemory<byte> value, CancellationToken cancellationToken);

    /// <summary>What is not there is removed.</summary>
    Task RemoveSecretAsync(Guid secret, CancellationToken cancellationToken);
}
