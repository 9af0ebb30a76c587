using System.Diagnostics;
using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>
/// The benchmark's own program as a process with a part of the fleet in it. Told what to do by lines on its standard input,
/// and ends with it; what happens it tells by lines on its standard output, with times of the monotonic clock that all
/// processes of a machine share.
/// </summary>
/// <remarks>
/// <code>
///   start ENDPOINT KEY KEEPALIVE SPREAD     hosts connect, and begin to report within SPREAD seconds   → started
///   expect VCPU                             until every host's first instance is to have so many       → reached TIME
///   trace on|off                            tell every change of desired rows                          → changed HOST TIME
///   flood COUNT                             every host sends so many updates                           → flooded
///   raw ENDPOINT KEY BYTES KEEPALIVE SPREAD bare peers connect, and send a state within SPREAD seconds → exchanged TIME
///   again SPREAD                            bare peers send their state once more                      → exchanged TIME
///   raw-flood COUNT BYTES                   every bare peer sends so many messages                     → flooded
///   counters                                what the hosts did since they connected                    → counters N N N N N
///   stop                                    all sockets are closed                                     → stopped
/// </code>
/// </remarks>
internal sealed class FleetRole(int first, int count) : IDisposable
{
    public const string Name = "fleet-role";

    private readonly EntityCatalog _catalog = EntityCatalog.Load();
    private readonly Lock _output = new();
    private FleetCounters _counters = new();
    private PeerGroup? _group;
    private volatile bool _tracing;

    /// <param name="arguments">The number of the first host, and how many there are.</param>
    public static int Run(IReadOnlyList<string> arguments)
    {
        using var role = new FleetRole(Number(arguments[0]), Number(arguments[1]));
        while (Console.In.ReadLine() is { } line)
            role.Do(line.Split(' '));
        return 0;
    }

    /// <summary>Closes all sockets.</summary>
    public void Dispose() => Stop();

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(double.Parse(text, CultureInfo.InvariantCulture));

    private static TimeSpan Soon(TimeSpan spread) => PeerGroup.Now + spread * Random.Shared.NextDouble();

    private void Do(string[] words)
    {
        switch (words[0])
        {
            case "start":
                Start(words[1], words[2], Seconds(words[3]), Seconds(words[4]));
                Tell("started");
                break;
            case "expect":
                var vcpu = Number(words[1]);
                Each<SimulatedTwilight>(CountDown("reached"), (twilight, reached) => twilight.Expect(vcpu, reached));
                break;
            case "trace":
                _tracing = words[1] == "on";
                break;
            case "flood":
                var updates = Number(words[1]);
                _group!.ForEach(peer => ((SimulatedTwilight)peer).Flood(updates), () => Tell("flooded"));
                break;
            case "raw":
                StartRaw(words[1], words[2], Number(words[3]), Seconds(words[4]));
                Exchange(Seconds(words[5]));
                break;
            case "again":
                Exchange(Seconds(words[1]));
                break;
            case "raw-flood":
                var messages = Number(words[1]);
                var body = new byte[Number(words[2])];
                body[0] = RawPeer.Flooding;
                _group!.ForEach(peer => ((RawPeer)peer).Flood(messages, body), () => Tell("flooded"));
                break;
            case "counters":
                Tell($"counters {_counters}");
                break;
            case "stop":
                Stop();
                Tell("stopped");
                break;
            default:
                throw new ArgumentException($"The fleet knows no {words[0]}.");
        }
    }

    private void Start(string endpoint, string key, TimeSpan keepAlive, TimeSpan spread)
    {
        var shape = new FleetShape(_catalog);
        Serve((context, i) => new SimulatedTwilight(
            shape, _catalog, first + i, FleetKeys.Client(first + i, endpoint, key), context, keepAlive, Soon(spread), _counters)
        {
            DesiredChanged = host =>
            {
                if (_tracing)
                    Tell(string.Create(CultureInfo.InvariantCulture, $"changed {host} {Stopwatch.GetTimestamp()}"));
            },
        });
    }

    private void StartRaw(string endpoint, string key, int stateBytes, TimeSpan keepAlive)
    {
        var body = new FleetShape(_catalog).KeepAlive();
        Serve((context, i) => new RawPeer(FleetKeys.Client(first + i, endpoint, key), context, stateBytes, body, keepAlive));
    }

    private void Serve(Func<SocketContext, int, IFleetPeer> make)
    {
        Stop();
        _counters = new FleetCounters();
        _group = new PeerGroup(count, make);
    }

    private void Exchange(TimeSpan spread) =>
        Each<RawPeer>(CountDown("exchanged"), (peer, answered) => peer.Exchange(Soon(spread), answered));

    private Countdown CountDown(string what) => new(
        count, () => Tell(string.Create(CultureInfo.InvariantCulture, $"{what} {Stopwatch.GetTimestamp()}")));

    private void Each<T>(Countdown countdown, Action<T, Countdown> action)
        where T : IFleetPeer =>
        _group!.ForEach(
            peer =>
            {
                action((T)peer, countdown);
                return false;
            },
            () => { });

    private void Stop()
    {
        _group?.Dispose();
        _group = null;
    }

    private void Tell(string line)
    {
        lock (_output)
            Console.Out.WriteLine(line);
    }
}
