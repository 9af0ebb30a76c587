using System.Net;
using Npgsql;
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

    [Test]
    public async Task A_controller_that_dies_between_the_commit_of_an_order_and_the_end_of_its_journal_carries_it_out_once()
    {
        var second = await Running.CreateAsync();
        await second.RunsAsync();
        await Running.Postgres.KillAsync();
        await StopAsync();
        Assert.That((await Running.Owner.TryReplaceAsync(second.Path, "state", "stopped")).Status, Is.EqualTo(HttpStatusCode.Accepted));
        await _instance.IsAsync("stopped");
        await second.IsAsync("stopped");

        // Sparkle holds its breath until somebody holds the second row: then the journal cannot end with the first order.
        await Running.Sparkle.SignalAsync(ProcessSignal.Stop);
        await Running.Postgres.StartAsync();
        await using (var holder = new NpgsqlConnection($"{Running.ConnectionString};Pooling=false"))
        {
            await holder.OpenAsync();
            await using var transaction = await holder.BeginTransactionAsync();
            await using var hold = new NpgsqlCommand($"SELECT FROM instance WHERE uuid = '{second.Uuid}' FOR UPDATE", holder);
            await hold.ExecuteNonQueryAsync();
            await Running.Sparkle.SignalAsync(ProcessSignal.Continue);
            await Eventually.SeesAsync("one order in the database", _ => AskAsync("SELECT count(*) FROM written_order;"), count => count == "1");
            await Running.Sparkle.KillAsync();
        }
        Assert.That(await AskAsync("SELECT count(*) FROM written_order;"), Is.EqualTo("1"), "It died before the journal had ended.");
        Assert.That(await StateInDatabaseAsync(), Is.EqualTo("stopped"));
        await Running.PsqlAsync($"UPDATE instance SET state = 'running' WHERE uuid = '{_instance.Uuid}';");

        await Running.StartSparkleAsync();

        Assert.That(await StateInDatabaseAsync(), Is.EqualTo("running"), "What was ordered after it stands.");
        Assert.That(await StateInDatabaseAsync(second), Is.EqualTo("stopped"), "The other one was still to be carried out.");
        await _instance.IsAsync("running");
        await second.IsAsync("stopped");
        await Eventually.SeesAsync("the orders to be forgotten", _ => AskAsync("SELECT count(*) FROM written_order;"), count => count == "0");
        await second.DeleteAsync();
        await second.HasNoDomainAsync();
    }

    [Test]
    public async Task A_controller_that_was_superseded_brings_its_orders_to_the_database_and_takes_no_more()
    {
        await Running.Postgres.KillAsync();
        await StopAsync();
        await _instance.IsAsync("stopped");
        await Running.Sparkle.SignalAsync(ProcessSignal.Stop);
        await Running.Postgres.StartAsync();
        var (second, http) = Running.StartSecondSparkle();
        using var client = http;
        await using (second)
        {
            await second.WaitForLineAsync("that the second is active", line => line.Contains("This controller is active", StringComparison.Ordinal));
            Assert.That(await StateInDatabaseAsync(), Is.EqualTo("running"));

            await Running.Sparkle.SignalAsync(ProcessSignal.Continue);

            await Eventually.SeesAsync("the order in the database", _ => StateInDatabaseAsync(), state => state == "stopped");
            await Running.Sparkle.WaitForLineAsync(
                "that the first knows", line => line.Contains("Another controller has taken over", StringComparison.Ordinal));
            var more = await Running.Alicorn.TryReplaceAsync($"/host/{Running.Host}", "state", "evacuated");
            Assert.That(more.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), more.ToString());
            Assert.That(await second.StopAsync(), Is.Zero);
        }

        await Eventually.SeesAsync(
            "the first to be active again",
            _ => Running.Owner.TryReplaceAsync(_instance.Path, "stop_timeout", 3602), taken => taken.Status == HttpStatusCode.OK);
        await _instance.IsAsync("stopped");
        await Running.HostIsPresentAsync();
    }

    private async Task StopAsync()
    {
        var answer = await Running.Owner.TryReplaceAsync(_instance.Path, "state", "stopped");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Accepted), answer.ToString());
        Assert.That((await _instance.GetAsync()).SelectToken("desired.state")!.ToString(), Is.EqualTo("stopped"));
    }

    private Task<string> StateInDatabaseAsync(RunningInstance? instance = null) =>
        AskAsync($"SELECT state FROM instance WHERE uuid = '{(instance ?? _instance).Uuid}';");

    private async Task<string> AskAsync(string sql) => (await Running.PsqlAsync($"\\pset tuples_only\n\\pset format unaligned\n{sql}")).Trim();
}
