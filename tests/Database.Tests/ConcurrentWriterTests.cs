using Newtonsoft.Json.Linq;

namespace PonyCloud.Database.Tests;

/// <summary>
/// Clients that change the same rows at once, through the whole of the API and on the real database, leave what some order
/// of theirs, one after the other, would have left.
/// </summary>
[TestFixture]
public sealed class ConcurrentWriterTests
{
    private const int Writers = 8;
    private const int Accounts = 3;
    private const int Rounds = 12;
    private const string Patch = "application/json-patch+json";
    private const string Merge = "application/merge-patch+json";

    private ApiOnPostgres _api = null!;

    [SetUp]
    public async Task StartAsync() => _api = await ApiOnPostgres.StartAsync(
        $"INSERT INTO config SELECT 'account.' || i, '100' FROM generate_series(0, {Accounts - 1}) i;"
        + "INSERT INTO config VALUES ('counter', '0'), ('on.0', 'true'), ('on.1', 'true');");

    [TearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [Test]
    public async Task Any_interleaving_ends_as_some_order_would()
    {
        var seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var tallies = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(new Random(seed + writer)))));

        var rows = (await _api.SendAsync("GET", "/api/v1/config")).Json;
        var balances = Enumerable.Range(0, Accounts).Select(i => Value<int>(rows, $"account.{i}")).ToList();
        using (Assert.EnterMultipleScope())
        {
            // What each transfer takes from one it gives to another.
            Assert.That(balances.Sum(), Is.EqualTo(100 * Accounts));
            for (var i = 0; i < Accounts; i++)
                Assert.That(balances[i], Is.EqualTo(100 + tallies.Sum(tally => tally.Balances[i])), $"account.{i}");
            Assert.That(Value<int>(rows, "counter"), Is.EqualTo(tallies.Sum(tally => tally.Increments)));
            // Of those who made a row and those who removed it, each was once between two of the other.
            Assert.That(tallies.Sum(tally => tally.Made) - tallies.Sum(tally => tally.Removed), Is.EqualTo(rows.ContainsKey("flag") ? 1 : 0));
            // Each switched one off only while the other was on.
            Assert.That(Value<bool>(rows, "on.0") || Value<bool>(rows, "on.1"), Is.True);
            Assert.That(tallies.Sum(tally => tally.Increments), Is.Positive, "nobody got anything done");
        }
    }

    [Test]
    public async Task A_request_that_many_send_at_once_is_carried_out_once()
    {
        const string Body = """{"desired":{"name":"once","model":"EPYC"}}""";
        var answers = await Task.WhenAll(Enumerable.Range(0, Writers).Select(async _ =>
        {
            while (true)
            {
                var answer = await _api.SendAsync("POST", "/api/v1/cpu-profile", Body, headers: ["Idempotency-Key", "order-7"]);
                if (answer.Status != 409)
                    return answer;
            }
        }));
        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(201));
        Assert.That(answers.Select(answer => answer.Location).Distinct().Count(), Is.EqualTo(1));
        Assert.That(answers.Select(answer => answer.Json.ToString()).Distinct().Count(), Is.EqualTo(1));
        Assert.That((await _api.SendAsync("GET", "/api/v1/cpu-profile")).Json.Count, Is.EqualTo(1));
    }

    private static T Value<T>(JObject rows, string key) => rows[key]!["desired"]!["value"]!.Value<T>()!;

    private async Task<Tally> WriteAsync(Random random)
    {
        var tally = new Tally();
        for (var round = 0; round < Rounds; round++)
        {
            switch (random.Next(4))
            {
                case 0:
                    await TransferAsync(random, tally);
                    break;
                case 1:
                    await IncrementAsync(tally);
                    break;
                case 2:
                    await FlipAsync(random, tally);
                    break;
                default:
                    await SwitchAsync(random);
                    break;
            }
        }
        return tally;
    }

    private async Task TransferAsync(Random random, Tally tally)
    {
        var from = random.Next(Accounts);
        var to = (from + 1 + random.Next(Accounts - 1)) % Accounts;
        var rows = (await _api.SendAsync("GET", "/api/v1/config")).Json;
        var (a, b) = (Value<int>(rows, $"account.{from}"), Value<int>(rows, $"account.{to}"));
        var answer = await _api.SendAsync("PATCH", "/api/v1/", $$"""
            [{"op":"test","path":"/config/account.{{from}}/desired/value","value":{{a}}},{"op":"test","path":"/config/account.{{to}}/desired/value","value":{{b}}},
             {"op":"replace","path":"/config/account.{{from}}/desired/value","value":{{a - 1}}},{"op":"x-merge","path":"/config/account.{{to}}/desired","value":{"value":{{b + 1}} } }]
            """, Patch);
        Assert.That(answer.Status, Is.AnyOf(200, 409), answer.Json.ToString());
        if (answer.Status != 200)
            return;
        tally.Balances[from]--;
        tally.Balances[to]++;
    }

    private async Task IncrementAsync(Tally tally)
    {
        var row = await _api.SendAsync("GET", "/api/v1/config/counter");
        var value = row.Json["desired"]!["value"]!.Value<int>();
        var answer = await _api.SendAsync(
            "PATCH", "/api/v1/config/counter", $$$"""{"desired":{"value":{{{value + 1}}} } }""", Merge, "If-Match", row.Tag!);
        Assert.That(answer.Status, Is.AnyOf(200, 409, 412), answer.Json.ToString());
        if (answer.Status == 200)
            tally.Increments++;
    }

    private async Task FlipAsync(Random random, Tally tally)
    {
        if (random.Next(2) == 0)
        {
            var made = await _api.SendAsync("POST", "/api/v1/config", """{"desired":{"key":"flag","value":1}}""");
            Assert.That(made.Status, Is.AnyOf(201, 409), made.Json.ToString());
            tally.Made += made.Status == 201 ? 1 : 0;
            return;
        }
        // A DELETE of a row that is gone already is as good as one's own; with x-verify only one removes it.
        var removed = await _api.SendAsync(
            "PATCH", "/api/v1/", """[{"op":"x-verify","path":"/config/flag","value":{}},{"op":"remove","path":"/config/flag"}]""", Patch);
        Assert.That(removed.Status, Is.AnyOf(200, 409, 412, 422), removed.Json.ToString());
        tally.Removed += removed.Status == 200 ? 1 : 0;
    }

    private async Task SwitchAsync(Random random)
    {
        var one = random.Next(2);
        if (random.Next(2) == 0)
        {
            await _api.SendAsync("PATCH", $"/api/v1/config/on.{one}", """{"desired":{"value":true}}""", Merge);
            return;
        }
        var answer = await _api.SendAsync("PATCH", "/api/v1/", $$$"""
            [{"op":"x-verify","path":"/config/on.{{{1 - one}}}/desired/value","value":true},{"op":"x-merge","path":"/config/on.{{{one}}}","value":{"desired":{"value":false} } }]
            """, Patch);
        Assert.That(answer.Status, Is.AnyOf(200, 409, 412), answer.Json.ToString());
    }

    private sealed class Tally
    {
        public int[] Balances { get; } = new int[Accounts];

        public int Increments { get; set; }

        public int Made { get; set; }

        public int Removed { get; set; }
    }
}
