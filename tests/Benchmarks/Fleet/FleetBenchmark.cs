using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>
/// The controller as a process with a real database, and a fleet of simulated hosts over real sockets: steady state,
/// changes, reads, and a crash. What the same hosts cost a bare ROUTER socket stands beside it.
/// </summary>
internal sealed class FleetBenchmark(FleetOptions options)
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(10);
    private const int Changes = 300;
    private const int Warmup = 20;

    private readonly FleetShape _shape = new(EntityCatalog.Load());

    /// <summary>All sizes, one after the other.</summary>
    public async IAsyncEnumerable<ResultLine> RunAsync()
    {
        foreach (var hosts in options.Hosts)
        {
            foreach (var line in await RunAsync(hosts))
                yield return line;
        }
    }

    private async Task<List<ResultLine>> RunAsync(int hosts)
    {
        var of = hosts.ToString("#,0", CultureInfo.InvariantCulture) + " hosts: ";
        await using var fleet = SimulatedFleet.Start(hosts);
        Progress($"{of}bare sockets");
        var raw = await MeasureRawAsync(fleet, hosts);

        Progress($"{of}filling the database");
        await using var database = await FleetDatabase.StartAsync();
        await using var sparkle = new SparkleUnderTest(database.ConnectionString, KeepAlive);
        await sparkle.StartAsync();
        await AfterAsync(Calm);
        var empty = sparkle.Figures.ResidentBytes;
        await sparkle.KillAsync();
        await database.FillAsync(hosts);
        await sparkle.StartAsync();

        Progress($"{of}connecting");
        await fleet.ConnectAsync(sparkle.Endpoint, await sparkle.KeyAsync(), KeepAlive, KeepAlive);
        await fleet.ReachAsync(1);
        await SettleAsync(sparkle, hosts);

        Progress($"{of}steady state");
        var silentBefore = await database.UnreachableAsync();
        var steady = await CpuAsync(sparkle.Figures, options.Steady);
        var silent = await database.UnreachableAsync() - silentBefore + hosts - await sparkle.CountAsync("present");
        var resident = sparkle.Figures.ResidentBytes;

        Progress($"{of}changes");
        var (whole, afterCommit) = await ChangeAsync(fleet, database, hosts);
        var trips = Trips();

        Progress($"{of}reads");
        var calm = await ReadsAsync(sparkle, hosts, () => AfterAsync(Calm));

        Progress($"{of}fan-in");
        var fanIn = await FanIn.SparkleAsync(fleet, sparkle, hosts);
        Progress($"{of}leases of etcd");
        var leases = await FanIn.EtcdAsync(hosts);

        Progress($"{of}crash and restart");
        var again = await RestartAsync(fleet, sparkle, database, hosts);
        var rowBytes = _shape.CurrentState().Length + _shape.DesiredState().Length;
        return
        [
            new Limit(of + "shown as unreachable in steady state", silent, "hosts", 0),
            new Result(of + "CPU in steady state, per 1,000 hosts", steady * 1e6 / hosts, "ms/s", "libzmq and JSON parse of the same", raw.Steady * 1e6 / hosts),
            new Result(of + "crash until all are in step", again.Seconds, "s", "exchange of the same bytes, as spread out", raw.Spread, 2, HigherIsBetter: false),
            new Result(of + "crash until all are in step", again.Seconds, "s", "exchange of the same bytes, all at once", raw.AtOnce),
            new Result(of + "crash until the API answers", again.Ready, "s", "crash until all are in step", again.Seconds),
            new Result(of + "CPU of the restart", again.Cpu, "s", "CPU of the bare exchange", raw.Cpu),
            new Result(of + "CPU of the restart", again.Cpu, "s", "JSON parse of the same bytes", ParseSeconds() * hosts),
            new Result(of + "change to agent, commit included, p50", whole.At(0.5), "ms", "p99", whole.At(0.99)),
            new Result(of + "change to agent after the commit, p50", afterCommit.At(0.5) * 1000, "µs", "bare libzmq round trip, p50", trips.At(0.5), 5, HigherIsBetter: false),
            new Result(of + "change to agent after the commit, p99", afterCommit.At(0.99) * 1000, "µs", "bare libzmq round trip, p99", trips.At(0.99)),
            new Result(of + "GET while hosts come back, p99", again.Reads.At(0.99), "ms", "in steady state, p99", calm.At(0.99), 3, HigherIsBetter: false),
            new Result(of + "updates per second of CPU", fanIn, "1/s", "bare libzmq receive of the same", raw.FanIn, 0.25),
            new Result(of + "updates per second of CPU", fanIn, "1/s", "etcd lease keep-alives", leases, 1),
            new Result(of + "memory per host", (resident - empty) / (double)hosts, "bytes", "bytes of its rows", rowBytes),
        ];
    }

    private void Progress(string what)
    {
        if (options.ShowsProgress)
            Console.Error.WriteLine(what);
    }

    /// <summary>Lets time pass.</summary>
    private static async Task AfterAsync(TimeSpan time)
    {
        using var timer = new PeriodicTimer(time);
        await timer.WaitForNextTickAsync();
    }

    /// <summary>The share of one processor that a process takes.</summary>
    private static async Task<double> CpuAsync(ProcessFigures process, TimeSpan time)
    {
        var (cpu, start) = (process.Cpu, Stopwatch.GetTimestamp());
        await AfterAsync(time);
        return (process.Cpu - cpu) / Stopwatch.GetElapsedTime(start);
    }

    /// <summary>The same connections and bytes with nothing behind them.</summary>
    private async Task<RawFigures> MeasureRawAsync(SimulatedFleet fleet, int hosts)
    {
        var endpoint = $"tcp://127.0.0.1:{FreePort.Take()}";
        await using var server = new RawServer(endpoint, _shape.DesiredState().Length);
        await server.StartAsync();
        await fleet.ExchangeAsync(endpoint, FleetKeys.BareServer.PublicKey, _shape.CurrentState().Length, KeepAlive, KeepAlive);
        var steady = await CpuAsync(server.Figures, options.Steady / 2);
        var spread = await AgainAsync(KeepAlive);
        var cpu = server.Figures.Cpu;
        var atOnce = await AgainAsync(TimeSpan.Zero);
        var fanIn = await FanIn.RawAsync(fleet, server, hosts, _shape.DomainUpdate().Length);
        await fleet.DisconnectAsync();
        return new RawFigures(steady, spread, atOnce, cpu.TotalSeconds, fanIn);

        async Task<double> AgainAsync(TimeSpan spread)
        {
            var killed = Stopwatch.GetTimestamp();
            await server.KillAsync();
            await server.StartAsync();
            return Stopwatch.GetElapsedTime(killed, await fleet.ExchangeAgainAsync(spread)).TotalSeconds;
        }
    }

    /// <summary>Waits until every host is shown, and until what the start left to do is done.</summary>
    private static async Task SettleAsync(SparkleUnderTest sparkle, int hosts)
    {
        await Eventually.SeesAsync("all hosts to be present", _ => sparkle.CountAsync("present"), present => present == hosts);
        await AfterAsync(KeepAlive);
    }

    /// <summary>Changes of one row each, one after the other, each of another host.</summary>
    /// <returns>Milliseconds from the order, and from the answer to the commit, until the host has it.</returns>
    private static async Task<(List<double> Whole, List<double> AfterCommit)> ChangeAsync(SimulatedFleet fleet, FleetDatabase database, int hosts)
    {
        var (whole, afterCommit) = (new List<double>(), new List<double>());
        var arrived = new TaskCompletionSource<long>();
        var awaited = -1;
        fleet.DesiredChanged = (host, time) =>
        {
            if (host == Volatile.Read(ref awaited))
                arrived.TrySetResult(time);
        };
        await fleet.TraceAsync(true);
        for (var i = 0; i < Changes + Warmup; i++)
        {
            arrived = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            var host = (int)((long)i * 7919 % hosts);
            Volatile.Write(ref awaited, host);
            var start = Stopwatch.GetTimestamp();
            await database.OrderAsync(2 + i, host);
            var committed = Stopwatch.GetTimestamp();
            var at = await arrived.Task.WaitAsync(KeepAlive);
            if (i < Warmup)
                continue;
            whole.Add(Stopwatch.GetElapsedTime(start, at).TotalMilliseconds);
            // The host may have it before whoever ordered it knows.
            afterCommit.Add(Math.Max(0, Stopwatch.GetElapsedTime(committed, at).TotalMilliseconds));
        }
        await fleet.TraceAsync(false);
        return (whole, afterCommit);
    }

    /// <summary>Microseconds that as many bytes as an update of one row take there and back, beside the same fleet.</summary>
    private double[] Trips()
    {
        using var bare = new BareRoundTrip(_shape.OrderUpdate().Length);
        bare.Measure(Warmup);
        return bare.Measure(Changes);
    }

    private static async Task<IReadOnlyList<double>> ReadsAsync(SparkleUnderTest sparkle, int hosts, Func<Task> during)
    {
        await using var reads = PacedReads.Start(
            sparkle.Http, [.. Enumerable.Range(0, 100).Select(i => new Uri($"/api/v1/host/{FleetShape.Host(i * 31 % hosts)}", UriKind.Relative))]);
        await during();
        return await reads.EndAsync();
    }

    private static async Task<RestartFigures> RestartAsync(SimulatedFleet fleet, SparkleUnderTest sparkle, FleetDatabase database, int hosts)
    {
        const int Another = 500;
        var killed = await sparkle.KillAsync();
        // What was ordered meanwhile shows which hosts the new process has told.
        await database.OrderAsync(Another);
        var reached = fleet.ReachAsync(Another);
        await sparkle.StartAsync();
        var ready = Stopwatch.GetElapsedTime(killed);
        var reads = await ReadsAsync(sparkle, hosts, () => reached);
        var seconds = Stopwatch.GetElapsedTime(killed, await reached).TotalSeconds;
        var cpu = sparkle.Figures.Cpu.TotalSeconds;
        await Eventually.SeesAsync("all hosts to be present", _ => sparkle.CountAsync("present"), present => present == hosts);
        return new RestartFigures(seconds, ready.TotalSeconds, cpu, reads);
    }

    /// <summary>Seconds that the parser of JSON takes for all bytes of one host.</summary>
    private double ParseSeconds()
    {
        const int Rounds = 20;
        byte[][] bodies = [_shape.CurrentState(), _shape.DesiredState()];
        var start = 0L;
        for (var i = 0; i < 2 * Rounds; i++)
        {
            if (i == Rounds)
                start = Stopwatch.GetTimestamp(); // The first half warms up.
            foreach (var body in bodies)
                JsonDocument.Parse(body).Dispose();
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds / Rounds;
    }

    private sealed record RawFigures(double Steady, double Spread, double AtOnce, double Cpu, double FanIn);

    private sealed record RestartFigures(double Seconds, double Ready, double Cpu, IReadOnlyList<double> Reads);
}

/// <summary>How much of it to measure.</summary>
internal sealed record FleetOptions
{
    /// <summary>Sizes of the fleet.</summary>
    public IReadOnlyList<int> Hosts { get; init; } = [1000, 5000];

    /// <summary>How long the steady state is looked at.</summary>
    public TimeSpan Steady { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether what is being done is told on standard error.</summary>
    public bool ShowsProgress { get; init; } = true;
}
