using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Outages;

/// <summary>
/// What was answered is true, however often one asks. The number of writes is small unless PONYCLOUD_ENDURANCE says how
/// many, such as 100000.
/// </summary>
public sealed class EnduranceTests : PlatformFixture
{
    private const int Writers = 8;

    private static readonly int Writes = int.Parse(Environment.GetEnvironmentVariable("PONYCLOUD_ENDURANCE") ?? "800", CultureInfo.InvariantCulture);

    [Test]
    public async Task A_change_is_visible_to_the_next_read_of_anybody()
    {
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            var pair = new Pair(Running, $"seen{writer}");
            await pair.MakeAsync();
            for (var i = 1; i <= Writes / Writers; i++)
            {
                var answer = await pair.WriteAsync(i);
                Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
                Assert.That(await pair.ReadAsync(), Is.EqualTo((i, i)));
            }
        }));
        await TestContext.Out.WriteLineAsync($"{Writes} changes were visible at once, in {watch.Elapsed}.");
    }

    [Test]
    public async Task A_server_that_is_killed_again_and_again_loses_no_acknowledged_write_and_halves_none()
    {
        using var ended = new CancellationTokenSource();
        var outcomes = new ConcurrentDictionary<HttpStatusCode, int>();
        var pairs = Enumerable.Range(0, Writers).Select(writer => new Pair(Running, $"kept{writer}")).ToList();
        foreach (var pair in pairs)
            await pair.MakeAsync();
        var acknowledged = 0;
        var writing = Task.WhenAll(pairs.Select(pair => WriteUntilAsync(pair, outcomes, () => Interlocked.Increment(ref acknowledged), ended.Token)));

        var random = new Random(7);
        var kills = Math.Clamp(Writes / 400, 3, 30);
        try
        {
            for (var kill = 0; kill < kills; kill++)
            {
                // Each life of the server is long enough for something to be written in it, and ends at no particular moment.
                var enough = Volatile.Read(ref acknowledged) + random.Next(1, 120);
                await Eventually.HoldsAsync("more writes to be acknowledged", () => writing.IsCompleted || Volatile.Read(ref acknowledged) >= enough);
                await Running.Postgres.KillAsync();
                await Running.Postgres.StartAsync();
            }
        }
        finally
        {
            await ended.CancelAsync();
        }
        await writing;

        foreach (var pair in pairs)
        {
            await Eventually.SeesAsync("a write to be taken", _ => pair.WriteAsync(pair.Last + 1), answer => answer.Status == HttpStatusCode.OK);
            var stored = await Running.PsqlAsync($"SELECT 'is:' || string_agg(value::text, ',') FROM config WHERE key LIKE '{pair.Name}.%';");
            Assert.That(stored, Does.Contain($"is:{pair.Last},{pair.Last}"));
        }
        await TestContext.Out.WriteLineAsync(
            $"{kills} kills, {acknowledged} writes acknowledged; answers: {string.Join(", ", outcomes.Select(outcome => $"{(int)outcome.Key}: {outcome.Value}"))}.");
    }

    private static async Task WriteUntilAsync(
        Pair pair, ConcurrentDictionary<HttpStatusCode, int> outcomes, Action onAcknowledged, CancellationToken ended)
    {
        var lowest = 0;
        while (!ended.IsCancellationRequested)
        {
            var answer = await pair.WriteAsync(pair.Last + 1);
            outcomes.AddOrUpdate(answer.Status, 1, (_, count) => count + 1);
            Assert.That(
                answer.Status,
                Is.AnyOf(HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable, HttpStatusCode.GatewayTimeout, HttpStatusCode.Conflict), answer.ToString());
            var (left, right) = await pair.ReadAsync();
            Assert.That(left, Is.EqualTo(right), $"{pair.Name}: half of a write shows.");
            if (answer.Status == HttpStatusCode.OK)
            {
                lowest = pair.Last;
                onAcknowledged();
            }
            // A write whose outcome is not known may have come through; one that was acknowledged never goes away.
            Assert.That(left, Is.InRange(lowest, pair.Last), $"{pair.Name}: an acknowledged write is lost.");
        }
    }

    /// <summary>Two rows that are always written in one transaction.</summary>
    private sealed class Pair(RunningPlatform platform, string name)
    {
        private readonly string _left = $"{name}.left";
        private readonly string _right = $"{name}.right";

        public string Name => name;

        /// <summary>The highest number that was ever sent.</summary>
        public int Last { get; private set; }

        public async Task MakeAsync()
        {
            var answer = await PatchAsync(
                new { op = "add", path = $"/{_left}", value = new { desired = new { value = 0 } } },
                new { op = "add", path = $"/{_right}", value = new { desired = new { value = 0 } } });
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        }

        public Task<ApiAnswer> WriteAsync(int number)
        {
            Last = Math.Max(Last, number);
            return PatchAsync(
                new { op = "replace", path = $"/{_left}/desired/value", value = number },
                new { op = "replace", path = $"/{_right}/desired/value", value = number });
        }

        /// <summary>Reads both in one answer, as somebody else would.</summary>
        public async Task<(int Left, int Right)> ReadAsync()
        {
            var rows = await platform.Alicorn.GetAsync("/config");
            return ((int)rows[_left]!["desired"]!["value"]!, (int)rows[_right]!["desired"]!["value"]!);
        }

        private Task<ApiAnswer> PatchAsync(params object[] patch) =>
            platform.Alicorn.SendAsync(HttpMethod.Patch, "/config", patch, ApiClient.JsonPatch);
    }
}
