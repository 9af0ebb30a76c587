using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Placement;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Benchmarks;

/// <summary>The control loop with the part that speaks to hosts, over a real socket; commits are made up by the benchmark.</summary>
internal sealed class SparkleInProcess : IEventSink, IEpochAuthority, IAsyncDisposable
{
    private const long Epoch = 1;

    private readonly CountingTransport _transport;
    private readonly ControlLoop _loop;

    private SparkleInProcess(TimeSpan keepAlive)
    {
        var keys = CurveKeys.Generate();
        Key = keys.PublicKey;
        var server = new ZeroMqTransport(ZeroMqOptions.Server("tcp://127.0.0.1:*", PeerId.Sparkle.Text) with { Curve = new ZeroMqCurve.Server(keys) });
        Endpoint = server.LastEndpoint;
        _transport = new CountingTransport(server);
        var options = new ControlOptions { KeepAlive = keepAlive };
        var door = HostDoors.Make(Catalog, this, options, TimeProvider.System);
        _loop = new ControlLoop(
            Catalog,
            () =>
            [
                door,
                new HostRegistry(
                    Catalog, door, _transport, new ScopeResolver(Catalog), this, _loop!, this, new SystemEntropy(), options, TimeProvider.System,
                    NullLogger<HostRegistry>.Instance),
            ],
            _transport, options, TimeProvider.System, NullLogger<ControlLoop>.Instance);
    }

    public EntityCatalog Catalog { get; } = EntityCatalog.Load();

    public string Endpoint { get; }

    /// <summary>The public key that it proves to hosts.</summary>
    public string Key { get; }

    /// <summary>How many messages were sent to hosts.</summary>
    public long Sent => _transport.Sent;

    /// <summary>What the one host proves to be itself with.</summary>
    public CurveKeys HostKeys { get; } = CurveKeys.Generate();

    public static async Task<SparkleInProcess> StartAsync(TimeSpan keepAlive)
    {
        var sparkle = new SparkleInProcess(keepAlive);
        await sparkle._loop.StartAsync(CancellationToken.None);
        return sparkle;
    }

    /// <summary>The row that declares the one host.</summary>
    public RowChange Declare(Guid host) => RowChange.Set(Catalog["host"], RowPart.Desired, new HostDesired
    {
        Uuid = host,
        Name = "host",
        AgentKey = HostKeys.PublicKey,
    });

    /// <summary>The database's rows, all of them.</summary>
    public Task LoadAsync(IReadOnlyList<RowChange> rows) => _loop.LoadedAsync(rows, Epoch, CancellationToken.None);

    /// <summary>One committed transaction; ends when readers see it.</summary>
    public Task CommitAsync(IReadOnlyList<DatabaseChange> changes) => _loop.CommittedAsync(changes, CancellationToken.None);

    public void Record(PlatformEvent platformEvent)
    {
        // Nothing that is measured here makes events.
    }

    public void Heard(long epoch)
    {
        // There is one controller only, so no host obeys another.
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.StopAsync(CancellationToken.None);
        _loop.Dispose();
        await _transport.DisposeAsync();
    }
}
