using System.Threading.Channels;
using System.Xml;
using System.Xml.Linq;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.TestKit.Storage;

/// <summary>libvirt's pools and secrets in memory, as the contract suite says.</summary>
public sealed class FakeStorageHost : IStorageHost
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Pool> _pools = [];
    private readonly Dictionary<Guid, byte[]> _secrets = [];
    private readonly Channel<StorageHostEvent> _events = Channel.CreateUnbounded<StorageHostEvent>();

    public ChannelReader<StorageHostEvent> Events => _events.Reader;

    /// <summary>Why no pool can be started or refreshed; null when all can.</summary>
    public string? Away { get; set; }

    /// <summary>What pools say of themselves when they are active.</summary>
    public HostPool Pools { get; set; } = new(true, 100L << 30, 40L << 30, 60L << 30);

    /// <summary>What is in each of them.</summary>
    public IReadOnlyList<HostPoolVolume> Volumes { get; set; } = [];

    /// <summary>The values of secrets, which libvirt itself tells nobody.</summary>
    public IReadOnlyDictionary<Guid, byte[]> Secrets => _secrets;

    /// <summary>As a libvirtd that starts again: pools are defined and not active, secrets are gone.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            _secrets.Clear();
            foreach (var pool in _pools.Values)
                pool.IsActive = false;
        }
        _events.Writer.TryWrite(new StorageHostEvent(null, "connected"));
    }

    public Task DefineAsync(Guid pool, string xml, CancellationToken cancellationToken) => CallAsync(() =>
    {
        if (UuidOf(xml) != pool)
            throw new StorageException(StorageFailure.Failed, $"The definition is of another pool than {pool}.");
        _pools.TryAdd(pool, new Pool());
        Tell(pool, "defined");
        return true;
    }, cancellationToken);

    public Task BuildAsync(Guid pool, CancellationToken cancellationToken) => ChangeAsync(pool, found =>
    {
        Demand(!found.IsActive);
        Tell(pool, "created");
    }, cancellationToken);

    public Task StartAsync(Guid pool, CancellationToken cancellationToken) => ChangeAsync(pool, found =>
    {
        Demand(!found.IsActive);
        Reach();
        found.IsActive = true;
        Tell(pool, "started");
    }, cancellationToken);

    public Task RefreshAsync(Guid pool, CancellationToken cancellationToken) => ChangeAsync(pool, found =>
    {
        Demand(found.IsActive);
        found.IsActive = Away is null;
        Reach();
    }, cancellationToken);

    public Task StopAsync(Guid pool, CancellationToken cancellationToken) => ChangeAsync(pool, found =>
    {
        Demand(found.IsActive);
        found.IsActive = false;
        Tell(pool, "stopped");
    }, cancellationToken);

    public Task UndefineAsync(Guid pool, CancellationToken cancellationToken) => ChangeAsync(pool, found =>
    {
        Demand(!found.IsActive);
        _pools.Remove(pool);
        Tell(pool, "undefined");
    }, cancellationToken);

    public Task<HostPool?> FindAsync(Guid pool, CancellationToken cancellationToken) => CallAsync(
        () => _pools.TryGetValue(pool, out var found) ? found.IsActive ? Pools : new HostPool(false, 0, 0, 0) : null, cancellationToken);

    public Task<IReadOnlyList<HostPoolVolume>> ListVolumesAsync(Guid pool, CancellationToken cancellationToken) => CallAsync(
        () =>
        {
            Demand(Find(pool).IsActive);
            return Volumes;
        },
        cancellationToken);

    public Task SetSecretAsync(Guid secret, string xml, ReadOnlyMemory<byte> value, CancellationToken cancellationToken) => CallAsync(
        () =>
        {
            if (UuidOf(xml) != secret)
                throw new StorageException(StorageFailure.Failed, $"The definition is of another secret than {secret}.");
            _secrets[secret] = value.ToArray();
            return true;
        },
        cancellationToken);

    public Task RemoveSecretAsync(Guid secret, CancellationToken cancellationToken) =>
        CallAsync(() => _secrets.Remove(secret), cancellationToken);

    public ValueTask DisposeAsync()
    {
        _events.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    private static Guid UuidOf(string xml)
    {
        try
        {
            return (Guid)XElement.Parse(xml).Element("uuid")!;
        }
        catch (XmlException exception)
        {
            throw new StorageException(StorageFailure.Failed, exception.Message, exception);
        }
    }

    private static void Demand(bool isSo)
    {
        if (!isSo)
            throw new StorageException(StorageFailure.Failed, "The pool is in the wrong state for that.");
    }

    private void Reach()
    {
        if (Away is { } why)
            throw new StorageException(StorageFailure.Failed, why);
    }

    private Pool Find(Guid pool) =>
        _pools.GetValueOrDefault(pool) ?? throw new StorageException(StorageFailure.Missing, $"There is no pool {pool}.");

    private void Tell(Guid pool, string what) => _events.Writer.TryWrite(new StorageHostEvent(pool, what));

    private Task<bool> ChangeAsync(Guid pool, Action<Pool> change, CancellationToken cancellationToken) => CallAsync(() =>
    {
        change(Find(pool));
        return true;
    }, cancellationToken);

    private async Task<T> CallAsync<T>(Func<T> call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Task.Yield();
        lock (_gate)
            return call();
    }

    private sealed class Pool
    {
        public bool IsActive { get; set; }
    }
}
