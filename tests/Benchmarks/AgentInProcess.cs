using System.Diagnostics;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Benchmarks;

/// <summary>The link of a Twilight over a real socket, with nothing behind it.</summary>
internal sealed class AgentInProcess : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly ZeroMqTransport _transport;
    private readonly SparkleLink _link;
    private readonly EntityCatalog _catalog;
    private readonly MessageCodec _codec;
    private readonly Guid _host;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;
    private volatile bool _reads = true;
    private volatile Awaited? _awaited;

    private AgentInProcess(SparkleInProcess sparkle, Guid host, TimeSpan keepAlive, int waiting)
    {
        _catalog = sparkle.Catalog;
        _codec = new MessageCodec(sparkle.Catalog);
        _host = host;
        _transport = new ZeroMqTransport(ZeroMqOptions.Client(sparkle.Endpoint) with
        {
            Curve = new ZeroMqCurve.Client(sparkle.HostKeys, sparkle.Key),
            EventCapacity = waiting,
        });
        _link = new SparkleLink(sparkle.Catalog, host, new SystemEntropy(), keepAlive);
        _serving = Task.Run(() => ServeAsync(_end.Token));
    }

    /// <param name="waiting">Messages that may wait to be read.</param>
    public static AgentInProcess Start(SparkleInProcess sparkle, Guid host, TimeSpan keepAlive, int waiting = 4096) =>
        new(sparkle, host, keepAlive, waiting);

    /// <summary>Whether it takes what it is sent. It says that it lives in any case.</summary>
    public bool Reads
    {
        get => _reads;
        set => _reads = value;
    }

    /// <summary>Waits until the condition holds for what the host knows.</summary>
    public Task ReachAsync(Func<SparkleLink, bool> condition)
    {
        var awaited = new Awaited(condition, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _awaited = awaited;
        return awaited.Reached.Task.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _transport.DisposeAsync();
        _end.Dispose();
    }

    private async Task ServeAsync(CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var host = new HostCurrent
        {
            Uuid = _host,
            AgentVersion = "0",
            BootId = "b",
            Kernel = "k",
            CpuModel = "m",
        };
        Send(_link.CurrentChanged([RowChange.Set(_catalog["host"], RowPart.Current, host)], clock.Elapsed), clock.Elapsed);
        var never = new TaskCompletionSource<bool>().Task;
        while (!cancellation.IsCancellationRequested)
        {
            using var tick = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            tick.CancelAfter(Tick);
            try
            {
                while (_reads ? await _transport.Events.WaitToReadAsync(tick.Token) : await never.WaitAsync(tick.Token))
                {
                    while (_transport.Events.TryRead(out var transportEvent))
                    {
                        if (transportEvent is TransportEvent.Received received)
                            Send(_link.Receive(received.Body.Span, clock.Elapsed), clock.Elapsed);
                        else
                            _link.Undelivered(clock.Elapsed);
                    }
                    if (_awaited is { } awaited && awaited.Condition(_link))
                        awaited.Reached.TrySetResult();
                    if (tick.IsCancellationRequested)
                        break;
                }
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // Time for a tick.
            }
            Send(_link.Tick(clock.Elapsed), clock.Elapsed);
        }
    }

    private void Send(IReadOnlyList<Message> messages, TimeSpan now)
    {
        foreach (var message in messages)
        {
            if (!_transport.TrySend(PeerId.Sparkle, _codec.Encode(message)))
                _link.Undelivered(now);
        }
    }

    private sealed record Awaited(Func<SparkleLink, bool> Condition, TaskCompletionSource Reached);
}
