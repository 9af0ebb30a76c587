using System.Net;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Outages;

/// <summary>With the database away, what is ordered to stop stops; and the database learns of it when it is back.</summary>
public sealed class OutageTests : PlatformFixture
{
    private RunningInstance _instance = null!;

    [SetUp]
    public async Task RunAnInstanceAsync()
    {
        _instance = await Running.CreateAsync();
        await _instance.RunsAsync();
    }

    [TearDown]
    public async Task DeleteItAsync()
    {
        await Eventually.SeesAsync(
            "the instance to be deleted",
            _ => Running.Owner.SendAsync(HttpMethod.Delete, _instance.Path),
            answer => answer.Status == HttpStatusCode.NoContent);
        await _instance.HasNoDomainAsync();
    }

    [Test]
    public async Task A_stop_is_carried_out_while_the_database_is_away_and_outlives_a_kill_of_the_controller()
    {
        await Running.Postgres.KillAsync();

        await StopAsync();
        await _instance.IsAsync("stopped");
        Assert.That(_instance.GuestPid, Is.Null);
        var more = await Running.Owner.TryReplaceAsync(_instance.Path, "vcpu", 2);
        Assert.That(more.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), more.ToString());

        await Running.Sparkle.KillAsync();
        var starting = Running.StartSparkleAsync();
        await Running.Sparkle.WaitForLineAsync("the journal", line => line.Contains("of an earlier run wait", StringComparison.Ordinal));
        await Running.Postgres.StartAsync();
        await starting;

        Assert.That(await StateInDatabaseAsync(), Is.EqualTo("stopped"), "It was there before anything was loaded.");
        Assert.That((await _instance.GetAsync()).SelectToken("desired.state")!.ToString(), Is.EqualTo("stopped"));
        await _instance.IsAsync("stopped");
        Assert.That(_instance.Boots, Is.EqualTo(1), "It was never started again.");
        await _instance.OrderAsync("running");
        await _instance.IsAsync("running");
        await Eventually.SeesAsync("the order to be forgotten", _ => AskAsync("SELECT count(*) FROM written_order;"), count => count == "0");
    }

    [Test]
    public async Task A_row_that_was_changed_with_psql_meanwhile_stands_and_an_event_tells_who_ordered_what()
    {
        await Running.Postgres.KillAsync();
        await StopAsync();
        await _instance.IsAsync("stopped");

        // Sparkle holds its breath, so that the change is made before it sees the database again.
        await Running.Sparkle.SignalAsync(ProcessSignal.Stop);
        await Running.Postgres.StartAsync();
        await Running.PsqlAsync($"UPDATE instance SET mem = 17 WHERE uuid = '{_instance.Uuid}';");
        await Running.Sparkle.SignalAsync(ProcessSignal.Continue);

        await _instance.IsAsync("running");
        Assert.That(await StateInDatabaseAsync(), Is.EqualTo("running"));
        var told = await Eventually.SeesAsync(
            "the event", _ => Running.Alicorn.GetAsync("/event"),
            events => events.Properties().Any(row => row.Value.SelectToken("desired.instance")?.ToString() == _instance.Uuid.ToString()
                && row.Value.SelectToken("desired.type")!.ToString() == "order-overtaken"));
        var data = told.Properties().Select(row => row.Value["desired"]!)
            .Single(row => row["instance"]?.ToString() == _instance.Uuid.ToString() && row["type"]!.ToString() == "order-overtaken")["data"]!;
        Assert.That(data.SelectToken("user")!.ToString(), Is.EqualTo("alicorn@localhost"));
        Assert.That(data.SelectToken("ordered.state")!.ToString(), Is.EqualTo("stopped"));
        Assert.That(data.SelectToken("found.mem")!.ToString(), Is.EqualTo("17"));
        var shown = await Running.Owner.GetAsync($"{_instance.Path}/event");
        Assert.That(shown.ToString(), Does.Contain("order-overtaken"), "Whoever gave the order sees it.");
    }

    [Test]
    public async Task A_server_that_hangs_before_anybody_noticed_keeps_nothing_running()
    {
        await Running.Postgres.FreezeAsync();
        try
        {
            await StopAsync();
            await _instance.IsAsync("stopped");
        }
        finally
        {
            await Running.Postgres.ThawAsync();
        }

        await Eventually.SeesAsync("the order in the database", _ => StateInDatabaseAsync(), state => state == "stopped");
        await _instance.IsAsync("stopped");
    }

    [Test]
    public async Task An_order_is_withdrawn_by_putting_the_row_back()
    {
        await Running.Postgres.KillAsync();
        await StopAsync();
        await _instance.IsAsync("stopped");

        var answer = await Running.Owner.TryReplaceAsync(_instance.Path, "state", "running");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Accepted), answer.ToString());
        await _instance.IsAsync("running");
        await Running.Postgres.StartAsync();

        await Eventually.SeesAsync(
            "a write to be taken", _ => Running.Owner.TryReplaceAsync(_instance.Path, "stop_timeout", 3601), taken => taken.Status == HttpStatusCode.OK);
        Assert.That(await StateInDatabaseAsync(), Is.EqualTo("running"));
        await _instance.IsAsync("running");
    }

    private async Task StopAsync()
    {
        var answer = await Running.Owner.TryReplaceAsync(_instance.Path, "state", "stopped");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Accepted), answer.ToString());
        Assert.That((await _instance.GetAsync()).SelectToken("desired.state")!.ToString(), Is.EqualTo("stopped"));
    }

    private Task<string> StateInDatabaseAsync() => AskAsync($"SELECT state FROM instance WHERE uuid = '{_instance.Uuid}';");

    private async Task<string> AskAsync(string sql) => (await Running.PsqlAsync($"\\pset tuples_only\n\\pset format unaligned\n{sql}")).Trim();
}
