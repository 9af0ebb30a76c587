using System.Diagnostics;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Benchmarks;

/// <summary>
/// How long after the answer to a commit readers see it in memory, against a bare reader of the change stream that has a
/// slot of its own and sees the same commits at the same time. And how many updates a second eight clients of pgbench
/// commit while Sparkle follows, against nobody following.
/// </summary>
internal static class LagBenchmark
{
    private const int Rounds = 5;
    private const int CommitsPerRound = 400;
    private const int Instances = 10_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<IEnumerable<Result>> RunAsync()
    {
        await using var server = await PostgresServer.StartNewAsync();
        // As it is where it matters: otherwise a commit costs next to nothing.
        await PostgresServer.PsqlAsync(server.ConnectionString("postgres"), "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();");
        var database = await InstanceTable.MakeAsync(server, Instances);
        var (seen, raw) = await LagsAsync(database);
        var (with, without) = await RatesAsync(database);
        return
        [
            new Result("commit to memory, p50", Percentile(seen, 0.5), "µs", "bare reader of pgoutput", Percentile(raw, 0.5), 2, HigherIsBetter: false),
            new Result("commit to memory, p99", Percentile(seen, 0.99), "µs", "bare reader of pgoutput", Percentile(raw, 0.99), 2, HigherIsBetter: false),
            new Result("updates by 8 writers, followed", with, "commits/s", "nobody follows", without, 0.9, HigherIsBetter: true),
        ];
    }

    /// <summary>Microseconds from the answer to each commit until it was seen; none where it was seen before the answer came.</summary>
    private static async Task<(double[] Seen, double[] Raw)> LagsAsync(string database)
    {
        var watcher = new Watcher();
        await using var link = await LinkInProcess.StartAsync(database, watcher);
        link.Follow();
        await watcher.Loaded.WaitAsync(Patience);
        await using var bare = await BareReader.StartAsync(database);
        await using var writer = new NpgsqlConnection(database);
        await writer.OpenAsync();
        var (seen, raw) = (new List<double>(), new List<double>());
        for (var i = 0; i < (Rounds + 1) * CommitsPerRound; i++)
        {
            var (inMemory, inStream) = (watcher.NextAsync(), bare.NextAsync());
            await using var update = new NpgsqlCommand($"UPDATE instance SET mem = {8192 + (i % 2) + 1} WHERE uuid = md5('instance{i % Instances}')::uuid", writer);
            await update.ExecuteNonQueryAsync();
            var answered = Stopwatch.GetTimestamp();
            var (shown, read) = (await inMemory.WaitAsync(Patience), await inStream.WaitAsync(Patience));
            if (i < CommitsPerRound)
                continue; // The first warm up.
            seen.Add(Microseconds(answered, shown));
            raw.Add(Microseconds(answered, read));
        }
        return ([.. seen], [.. raw]);
    }

    private static async Task<(double With, double Without)> RatesAsync(string database)
    {
        var (with, without) = (new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var alone = await WriterLoad.RunAsync(database, Instances);
            var watcher = new Watcher();
            await using var link = await LinkInProcess.StartAsync(database, watcher);
            link.Follow();
            await watcher.Loaded.WaitAsync(Patience);
            var followed = await WriterLoad.RunAsync(database, Instances);
            if (round == 0)
                continue; // The first warms up.
            with.Add(followed);
            without.Add(alone);
        }
        return (Percentile(with, 0.5), Percentile(without, 0.5));
    }

    private static double Microseconds(long from, long to) => Math.Max(0, Stopwatch.GetElapsedTime(from, to).TotalMicroseconds);

    private static double Percentile(IReadOnlyCollection<double> values, double part) => values.Order().ElementAt((int)(values.Count * part));

    /// <summary>Tells when readers see a change of an instance.</summary>
    private sealed class Watcher : IControlFeature
    {
        private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile TaskCompletionSource<long>? _next;

        public Task Loaded => _loaded.Task;

        /// <summary>The time at which the next change is seen.</summary>
        public Task<long> NextAsync()
        {
            var next = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            _next = next;
            return next.Task;
        }

        public void Settled(ChangeSet changes)
        {
            var now = Stopwatch.GetTimestamp();
            if (changes.IsReload)
                _loaded.TrySetResult();
            else if (changes.Rows.Any(row => row.Entity.Name == "instance" && row.Changed(RowPart.Desired)))
                _next?.TrySetResult(now);
        }
    }
}
