using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Session;

namespace PonyCloud.EndToEnd.Tests.Faults;

/// <summary>
/// A host agent within the test: the agent's own link over a real socket, on a machine that is made up. It reports as many
/// rows as it is told to, and remembers how many rows it was ever ordered to have.
/// </summary>
public sealed class LinkHost : IAsyncDisposable
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly HashSet<int> _everOrdered = [];
    private readonly MessageCodec _codec = new(Catalog);
    private readonly Guid _uuid;
    private readonly SparkleLink _link;
    private readonly ZeroMqTransport _transport;
    private readonly Task _running;

    private LinkHost(Identity identity, string endpoint, string serverKey)
    {
        _uuid = identity.Uuid;
        _link = new SparkleLink(Catalog, _uuid, new SystemEntropy(), KeepAlive);
        _transport = new ZeroMqTransport(ZeroMqOptions.Client(endpoint) with
        {
            Curve = new ZeroMqCurve.Client(identity.Keys, serverKey),
        });
        _running = Task.WhenAll(ReceiveAsync(), TickAsync());
    }

    /// <summary>Which host it is, and what proves it.</summary>
    public sealed record Identity(Guid Uuid, CurveKeys Keys);

    /// <summary>Why Sparkle does not listen; null while it does.</summary>
    public string? Refusal => With(link => link.Refusal);

    /// <summary>How many rows it is to have now: the host's own, its places and their instances.</summary>
    public int Ordered => With(CountOrdered);

    /// <summary>Every such number that there was, since it was first told.</summary>
    public IReadOnlyCollection<int> EverOrdered => With<int[]>(_ => [.. _everOrdered]);

    private static TimeSpan Now => TimeProvider.System.GetElapsedTime(0);

    /// <summary>Declares a host with a key of its own, on which nothing is placed by itself.</summary>
    public static async Task<Identity> DeclareAsync(RunningPlatform platform)
    {
        var identity = new Identity(Guid.NewGuid(), CurveKeys.Generate());
        await platform.Alicorn.PostAsync(
            "/host",
            new { desired = new { uuid = identity.Uuid, name = $"link-{identity.Uuid:N}", state = "evacuated", agent_key = identity.Keys.PublicKey } });
        return identity;
    }

    /// <param name="endpoint">Sparkle's, or that of something in between.</param>
    /// <param name="kernel">What tells this process from another of the same host.</param>
    /// <param name="places">So many instances it has.</param>
    public static LinkHost Start(RunningPlatform platform, Identity identity, string endpoint, string kernel = "only", int places = 0)
    {
        var host = new LinkHost(identity, endpoint, platform.SparkleKey);
        RowChange[] all = [host.Itself(kernel), .. Enumerable.Range(0, places).Select(host.Place)];
        host.With(link => host.Send(link.CurrentChanged(all, Now)));
        return host;
    }

    /// <summary>Waits until it is to have so many rows.</summary>
    public Task IsOrderedAsync(int rows) => Eventually.HoldsAsync($"{rows} rows to be ordered", () => Ordered == rows);

    /// <summary>Ends without a word to the other side but the end of the connection. Again, it does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ending.IsCancellationRequested)
            return;
        await _ending.CancelAsync();
        await _transport.DisposeAsync();
        await _running;
        _ending.Dispose();
    }

    private static int CountOrdered(SparkleLink link) =>
        link.Replica.Tables.Sum(table => table.Rows.Count(row => row.Desired is not null));

    private RowChange Itself(string kernel) => RowChange.Set(Catalog["host"], RowPart.Current, new HostCurrent
    {
        Uuid = _uuid,
        AgentVersion = "test",
        BootId = "test",
        Kernel = kernel,
        CpuModel = "test",
    });

    private RowChange Place(int number) => RowChange.Set(Catalog["host_instance"], RowPart.Current, new HostInstanceCurrent
    {
        Host = _uuid,
        Instance = Guid.Parse($"00000000-0000-4000-8000-{number:d12}"),
        Status = InstanceStatus.Running,
        Why = "Rows that say something about themselves are large enough to make a full state go in pieces.",
    });

    private async Task ReceiveAsync()
    {
        await foreach (var happened in _transport.Events.ReadAllAsync())
        {
            With(link =>
            {
                if (happened is TransportEvent.Received(_, var body, _))
                    Send(link.Receive(body.Span, Now));
                else
                    link.Undelivered(Now);
                return link.IsDesiredKnown && _everOrdered.Add(CountOrdered(link));
            });
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(new SessionOptions { KeepAlive = KeepAlive }.Tick);
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token))
                With(link => Send(link.Tick(Now)));
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private int Send(IReadOnlyList<Message> messages)
    {
        foreach (var message in messages)
        {
            if (!_transport.TrySend(PeerId.Sparkle, _codec.Encode(message)))
                _link.Undelivered(Now);
        }
        return messages.Count;
    }

    private T With<T>(Func<SparkleLink, T> use)
    {
        lock (_lock)
            return use(_link);
    }
}
