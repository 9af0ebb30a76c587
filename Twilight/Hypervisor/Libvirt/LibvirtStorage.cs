using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>The storage pools of libvirt.</summary>
/// <remarks>
/// Each call has a connection of its own, and so has the watching. A call that hangs, as long as the server behind a pool does, keeps
/// others on its connection waiting for seconds, although libvirtd could serve them.
/// </remarks>
public sealed class LibvirtStorage : IStorageHost
{
    // A wake-up too few is one too many for nobody: whoever reads looks at everything.
    private const int EventsMax = 256;

    // libvirtd has twenty threads for all its clients; pools that hang leave it half of them.
    private const int CallsMax = 10;

    private readonly LibvirtOptions _options;
    private readonly NativeCalls _calls;
    private readonly LibvirtLink<LibvirtStorageEvents> _watch;
    private readonly Channel<StorageHostEvent> _events = Channel.CreateBounded<StorageHostEvent>(
        new BoundedChannelOptions(EventsMax) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Begins to connect.</summary>
    public LibvirtStorage(LibvirtOptions options, TimeProvider time, ILogger<LibvirtStorage> logger)
    {
        _options = options;
        _calls = new NativeCalls(options, time, pool => _events.Writer.TryWrite(new StorageHostEvent(pool, "settled")), logger, CallsMax);
        _watch = new LibvirtLink<LibvirtStorageEvents>(
            options,
            time,
            logger,
            _calls,
            listener => LibvirtStorageEvents.Open(options, listener),
            state => _events.Writer.TryWrite(new StorageHostEvent(null, state.IsConnected ? "connected" : "disconnected")),
            (pool, what) => _events.Writer.TryWrite(new StorageHostEvent(pool, what)));
    }

    public ChannelReader<StorageHostEvent> Events => _events.Reader;

    public Task DefineAsync(Guid pool, string xml, CancellationToken cancellationToken) =>
        ChangeAsync("define", pool, connection => connection.Define(pool, xml), cancellationToken);

    public Task BuildAsync(Guid pool, CancellationToken cancellationToken) =>
        ChangeAsync("build", pool, connection => connection.Build(pool), cancellationToken);

    public Task StartAsync(Guid pool, CancellationToken cancellationToken) =>
        ChangeAsync("start", pool, connection => connection.Start(pool), cancellationToken);

    public Task RefreshAsync(Guid pool, CancellationToken cancellationToken) =>
        ChangeAsync("refresh", pool, connection => connection.Refresh(pool), cancellationToken);

    public Task StopAsync(Guid pool, CancellationToken cancellationToken) =>
        ChangeAsync("stop", pool, connection => connection.Stop(pool), cancellationToken);

    public Task UndefineAsync(Guid pool, CancellationToken cancellationToken) =>
        ChangeAsync("undefine", pool, connection => connection.Undefine(pool), cancellationToken);

    public Task<HostPool?> FindAsync(Guid pool, CancellationToken cancellationToken) =>
        CallAsync($"look at pool {pool}", pool, connection => connection.Find(pool), cancellationToken);

    public async Task<IReadOnlyList<HostPoolVolume>> ListVolumesAsync(Guid pool, CancellationToken cancellationToken) =>
        await CallAsync($"list the volumes of pool {pool}", pool, connection => connection.ListVolumes(pool), cancellationToken);

    public Task SetSecretAsync(Guid secret, string xml, ReadOnlyMemory<byte> value, CancellationToken cancellationToken) =>
        CallAsync($"set secret {secret}", null, connection => Done(() => connection.SetSecret(secret, xml, value.Span)), cancellationToken);

    public Task RemoveSecretAsync(Guid secret, CancellationToken cancellationToken) =>
        CallAsync($"remove secret {secret}", null, connection => Done(() => connection.RemoveSecret(secret)), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync();
        _events.Writer.TryComplete();
    }

    private static bool Done(Action call)
    {
        call();
        return true;
    }

    private Task<bool> ChangeAsync(string verb, Guid pool, Action<LibvirtStorageConnection> call, CancellationToken cancellationToken) =>
        CallAsync($"{verb} pool {pool}", pool, connection => Done(() => call(connection)), cancellationToken);

    private async Task<T> CallAsync<T>(
        string what, Guid? pool, Func<LibvirtStorageConnection, T> call, CancellationToken cancellationToken)
    {
        // A second call on the same pool would only wait behind it, and take one more of the few turns.
        if (pool is { } uuid && _calls.Unsettled.Contains(uuid))
            throw new StorageException(StorageFailure.Unreachable, $"Cannot {what}: an earlier call on it has not come to its end.");
        try
        {
            return await _calls.RunAsync(CallLane.Ordinary, what, pool, _options.PoolTimeout, Call, cancellationToken);
        }
        catch (HypervisorException exception)
        {
            throw new StorageException(MeaningOf(exception), exception.Message, exception);
        }

        T Call()
        {
            using var connection = LibvirtStorageConnection.Open(_options);
            return call(connection);
        }
    }

    private static StorageFailure MeaningOf(HypervisorException exception) => exception switch
    {
        { Failure: HypervisorFailure.Disconnected or HypervisorFailure.TimedOut } => StorageFailure.Unreachable,
        { Code: LibvirtStorageNative.ErrorNoPool or LibvirtStorageNative.ErrorNoVolume or LibvirtStorageNative.ErrorNoSecret } =>
            StorageFailure.Missing,
        { Code: LibvirtNative.ErrorNoSupport } => StorageFailure.Unsupported,
        _ => StorageFailure.Failed,
    };
}
