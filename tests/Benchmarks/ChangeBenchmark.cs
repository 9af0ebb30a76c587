using System.Diagnostics;
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
using PonyCloud.Twilight.Session;

namespace PonyCloud.Benchmarks;

/// <summary>
/// From a committed change of an instance to the agent that has it in its replica, over real sockets, against the round
/// trip of the same number of bytes between two bare libzmq ROUTER sockets.
/// </summary>
internal static class ChangeBenchmark
{
    private const int Rounds = 5;
    private const int ChangesPerRound = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<IEnumerable<Result>> RunAsync()
    {
        await using var platform = await Platform.StartAsync();
        using var bare = new BareRoundTrip(platform.MessageLength);
        var changes = new List<double>();
        var trips = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            var change = new double[ChangesPerRound];
            for (var i = 0; i < change.Length; i++)
                change[i] = await platform.ChangeAsync();
            var trip = bare.Measure(ChangesPerRound);
            if (round == 0)
                continue; // The first warms up.
            changes.AddRange(change);
            trips.AddRange(trip);
        }
        return [new Result("change to agent, without the commit, p50", Median(changes), "µs", "bare libzmq round trip", Median(trips), 5, HigherIsBetter: false)];
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private sealed class Platform : IEventSink, IEpochAuthority, IAsyncDisposable
    {
        private readonly EntityCatalog _catalog = EntityCatalog.Load();
        private readonly MessageCodec _codec;
        private readonly ZeroMqTransport _server;
        private readonly ZeroMqTransport _client;
        private readonly CurveKeys _agentKeys = CurveKeys.Generate();
        private readonly ControlLoop _loop;
        private readonly SparkleLink _link;
        private readonly PeerId _sparkle = new("sparkle");
        private readonly CancellationTokenSource _end = new();
        private readonly Guid _host = Guid.NewGuid();
        private Task _agent = Task.CompletedTask;
        private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private InstanceDesired _instance;
        private long _awaited;

        private Platform()
        {
            _codec = new MessageCodec(_catalog);
            var keys = CurveKeys.Generate();
            _server = new ZeroMqTransport(
                ZeroMqOptions.Server("tcp://127.0.0.1:*", _sparkle.Text) with { Curve = new ZeroMqCurve.Server(keys) });
            _client = new ZeroMqTransport(
                ZeroMqOptions.Client(_server.LastEndpoint) with { Curve = new ZeroMqCurve.Client(_agentKeys, keys.PublicKey) });
            var entropy = new SystemEntropy();
            var options = new ControlOptions { KeepAlive = TimeSpan.FromSeconds(1) };
            var door = HostDoors.Make(_catalog, this, options, TimeProvider.System);
            _loop = new ControlLoop(
                _catalog,
                () => [door, new HostRegistry(_catalog, door, _server, new ScopeResolver(_catalog), this, _loop!, this, entropy, options, TimeProvider.System, NullLogger<HostRegistry>.Instance)],
                _server, options, TimeProvider.System, NullLogger<ControlLoop>.Instance);
            _link = new SparkleLink(_catalog, _host, entropy, TimeSpan.FromSeconds(1));
            _instance = new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = Guid.NewGuid(), Name = "instance", Mem = 1024 };
        }

        public int MessageLength => _codec.Encode(new Message.SparkleUpdate(new StateUpdate(
            "0123456789abcdef", 1000, new StreamId("0123456789abcdef", 1), [Change(_instance)]))).Length;

        public static async Task<Platform> StartAsync()
        {
            var platform = new Platform();
            await platform._loop.StartAsync(CancellationToken.None);
            var catalog = platform._catalog;
            await platform._loop.LoadedAsync(
                [
                    RowChange.Set(catalog["host"], RowPart.Desired, new HostDesired { Uuid = platform._host, Name = "host", AgentKey = platform._agentKeys.PublicKey }),
                    platform.Change(platform._instance),
                    RowChange.Set(catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = platform._host, Instance = platform._instance.Uuid }),
                ],
                1,
                CancellationToken.None);
            platform._awaited = 1;
            platform._agent = Task.Run(() => platform.ServeAgentAsync(platform._end.Token));
            await platform._arrived.Task.WaitAsync(Patience);
            return platform;
        }

        /// <summary>Microseconds from the commit to the replica.</summary>
        public async Task<double> ChangeAsync()
        {
            _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Interlocked.Exchange(ref _awaited, Interlocked.Read(ref _awaited) + 1);
            _instance = _instance with { Vcpu = _instance.Vcpu % 8 + 1 };
            var start = Stopwatch.GetTimestamp();
            await _loop.CommittedAsync([new DatabaseChange.OfRow(Change(_instance))], CancellationToken.None);
            await _arrived.Task.WaitAsync(Patience);
            return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        public void Record(PlatformEvent platformEvent)
        {
            // Nothing that is measured here makes events.
        }

        public void Heard(long epoch)
        {
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _agent.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _loop.StopAsync(CancellationToken.None);
            _loop.Dispose();
            await _client.DisposeAsync();
            await _server.DisposeAsync();
            _end.Dispose();
        }

        private RowChange Change(InstanceDesired instance) => RowChange.Set(_catalog["instance"], RowPart.Desired, instance);

        private async Task ServeAgentAsync(CancellationToken cancellation)
        {
            var clock = Stopwatch.StartNew();
            Send(_link.CurrentChanged(
                [RowChange.Set(_catalog["host"], RowPart.Current, new HostCurrent { Uuid = _host, AgentVersion = "0", BootId = "b", Kernel = "k", CpuModel = "m" })],
                clock.Elapsed));
            while (!cancellation.IsCancellationRequested)
            {
                using var tick = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                tick.CancelAfter(TimeSpan.FromMilliseconds(100));
                try
                {
                    while (await _client.Events.WaitToReadAsync(tick.Token))
                    {
                        while (_client.Events.TryRead(out var transportEvent))
                        {
                            if (transportEvent is TransportEvent.Received(_, var body, _))
                                Send(_link.Receive(body.Span, clock.Elapsed));
                            else
                                _link.Undelivered(clock.Elapsed);
                        }
                        if (_link.IsDesiredKnown && _link.DesiredVersion >= Interlocked.Read(ref _awaited))
                            _arrived.TrySetResult();
                    }
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    Send(_link.Tick(clock.Elapsed));
                }
            }
        }

        private void Send(IReadOnlyList<Message> messages)
        {
            foreach (var message in messages)
                _client.TrySend(_sparkle, _codec.Encode(message));
        }
    }
}
