using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Database.Tests;

/// <summary>The server dies, hangs and comes back; memory is right again afterwards, and writers are told the truth.</summary>
[TestFixture]
public sealed class FaultTests
{
    private PostgresServer _server = null!;
    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _server = await PostgresServer.StartNewAsync();
        _link = await Link.OpenAsync(
            await _server.CreateDatabaseAsync(),
            Link.Patient with { ServerTimeout = TimeSpan.FromSeconds(2), CommitDecisionTimeout = TimeSpan.FromSeconds(30) });
    }

    [TearDown]
    public async Task CloseAsync()
    {
        await _link.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task A_server_killed_within_a_transaction_comes_back_without_it()
    {
        var tenant = Rows.Tenant();
        await _link.InsertAsync(("tenant", tenant));
        await using var other = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await other.OpenAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand("INSERT INTO tenant (name) SELECT 'lost ' || i FROM generate_series(1, 1000) i", other))
            await insert.ExecuteNonQueryAsync();

        await _server.KillAsync();
        await _link.State.WaitForAsync(state => !state.IsUp, "the loss is noticed");
        Assert.That(
            () => _link.InsertAsync(("tenant", Rows.Tenant())), Throws.TypeOf<DatabaseUnavailableException>());
        Assert.That(_link.State.All<TenantDesired>(), Is.EqualTo([tenant]), "Memory stands still.");
        await _server.StartAsync();

        await _link.State.WaitForAsync(state => state.IsUp, "the link is back");
        Assert.That(_link.State.All<TenantDesired>(), Is.EqualTo([tenant]));
        await _link.InsertAsync(("tenant", Rows.Tenant()));
        Assert.That(_link.State.Count("tenant"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_walsender_killed_amid_transactions_loses_none()
    {
        for (var i = 0; i < 3; i++)
        {
            var loads = _link.State.Loads;
            var pid = await WalsenderAsync();
            var writes = Task.WhenAll(Enumerable.Range(0, 20).Select(n => WriteOrFailAsync($"k{i}.{n}")));
            await PostgresServer.SignalAsync("KILL", pid);
            await _link.State.WaitForAsync(state => state.Loads > loads, "it was loaded again");
            await writes;
        }

        await _link.InsertAsync(("config", Rows.Config("last", "1")));
        await _link.DisposeAsync();
        await using var second = await Link.OpenAsync(_link.ConnectionString);
        Assert.That(_link.State.All<object>(), Is.EquivalentTo(second.State.All<object>()));
    }

    [Test]
    public async Task A_server_that_hangs_is_noticed_and_writes_fail()
    {
        await _server.FreezeAsync();
        try
        {
            await _link.State.WaitForAsync(state => !state.IsUp, "the silence is noticed");
            Assert.That(() => _link.InsertAsync(("tenant", Rows.Tenant())), Throws.TypeOf<DatabaseUnavailableException>());
        }
        finally
        {
            await _server.ThawAsync();
        }

        await _link.State.WaitForAsync(state => state.IsUp, "the link is back");
        await _link.InsertAsync(("tenant", Rows.Tenant()));
        Assert.That(_link.State.Count("tenant"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_write_to_a_server_that_hangs_unnoticed_fails_before_that_is_noticed()
    {
        await _link.DisposeAsync();
        await using var link = await Link.OpenAsync(
            _link.ConnectionString, Link.Patient with { ReachTimeout = TimeSpan.FromMilliseconds(200), ServerTimeout = TimeSpan.FromMinutes(5) });
        await link.InsertAsync(("tenant", Rows.Tenant()));
        await _server.FreezeAsync();
        try
        {
            Assert.That(() => link.InsertAsync(("tenant", Rows.Tenant())), Throws.TypeOf<DatabaseUnavailableException>());
            Assert.That(link.State.IsUp, "Nobody noticed.");
        }
        finally
        {
            await _server.ThawAsync();
        }

        Assert.That(link.State.Count("tenant"), Is.EqualTo(1));
    }

    [TestCase("FOR NO KEY UPDATE", false)]
    [TestCase("SET \"state\"", false)]
    [TestCase("COMMIT\0", true)]
    public async Task An_order_to_let_go_is_given_up_soon_when_the_server_hangs_amid_its_transaction(string at, bool mayStand)
    {
        await using var proxy = new CuttingProxy(Path.Combine(_server.SocketDirectory, ".s.PGSQL.5432"));
        var through = new NpgsqlConnectionStringBuilder(_link.ConnectionString) { Host = proxy.Directory, Port = 5432 };
        await _link.DisposeAsync();
        // Nothing but what is meant here ends within the time that the test has.
        var options = Link.Patient with { ReachTimeout = TimeSpan.FromSeconds(3), WriteTimeout = TimeSpan.FromHours(1) };
        await using var link = await Link.OpenAsync(_link.ConnectionString, options, through.ConnectionString);
        var tenant = Rows.Tenant();
        var running = Rows.Instance(tenant) with { State = InstanceState.Running };
        await link.InsertAsync(("tenant", tenant), ("instance", running));
        proxy.HangAt(at);

        var stopping = link.UpdateAsync("instance", running, running with { State = InstanceState.Stopped });

        Assert.That(
            () => stopping.WaitAsync(TimeSpan.FromMinutes(1)),
            mayStand ? Throws.TypeOf<UnconfirmedCommitException>() : Throws.TypeOf<DatabaseUnavailableException>());
        Assert.That(proxy.Cuts, Is.EqualTo(1));
        Assert.That(link.State.IsUp, "Nobody noticed.");
    }

    [Test]
    public async Task An_order_to_let_go_does_not_wait_for_whoever_holds_the_row_and_comes_to_nothing_when_it_was_given_up()
    {
        await _link.DisposeAsync();
        var options = Link.Patient with { ReachTimeout = TimeSpan.FromSeconds(3), LockTimeout = TimeSpan.FromMinutes(10), WriteTimeout = TimeSpan.FromHours(1) };
        await using var link = await Link.OpenAsync(_link.ConnectionString, options);
        var tenant = Rows.Tenant();
        var running = Rows.Instance(tenant) with { State = InstanceState.Running };
        await link.InsertAsync(("tenant", tenant), ("instance", running));
        await using var other = new NpgsqlConnection(link.ConnectionString + ";Pooling=false");
        await other.OpenAsync();
        await using (await other.BeginTransactionAsync())
        {
            await using var hold = new NpgsqlCommand("SELECT FROM instance FOR UPDATE", other);
            await hold.ExecuteNonQueryAsync();
            var stopping = link.UpdateAsync("instance", running, running with { State = InstanceState.Stopped });
            Assert.That(() => stopping.WaitAsync(TimeSpan.FromMinutes(1)), Throws.TypeOf<DatabaseUnavailableException>());
        }

        // It waits for the row behind the one that was given up.
        await link.UpdateAsync("instance", running, running with { Name = "renamed" });
        Assert.That(link.State.All<InstanceDesired>().Single(), Is.EqualTo(running with { Name = "renamed" }));
    }

    [Test]
    public async Task A_clean_restart_is_followed_by_a_new_load()
    {
        await _link.InsertAsync(("config", Rows.Config("before", "1")));

        await _server.StopAsync();
        await _link.State.WaitForAsync(state => !state.IsUp, "the loss is noticed");
        await _server.StartAsync();

        await _link.State.WaitForAsync(state => state.IsUp, "the link is back");
        Assert.That(_link.State.Epochs, Is.EqualTo([1]), "Nobody else was active meanwhile.");
        await _link.InsertAsync(("config", Rows.Config("after", "1")));
        Assert.That(_link.State.All<ConfigDesired>().Select(config => config.Key), Is.EquivalentTo(["before", "after"]));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_lost_answer_to_a_commit_is_decided_by_what_the_server_did(bool arrives)
    {
        await using var proxy = new CuttingProxy(Path.Combine(_server.SocketDirectory, ".s.PGSQL.5432"));
        var through = new NpgsqlConnectionStringBuilder(_link.ConnectionString) { Host = proxy.Directory, Port = 5432 };
        await _link.DisposeAsync();
        await using var link = await Link.OpenAsync(_link.ConnectionString, writeThrough: through.ConnectionString);
        await link.InsertAsync(("config", Rows.Config("warm", "1")));
        proxy.CutAt("COMMIT\0", deliver: arrives);

        if (arrives)
        {
            await link.InsertAsync(("config", Rows.Config("cut", "1")));
        }
        else
        {
            Assert.That(() => link.InsertAsync(("config", Rows.Config("cut", "1"))), Throws.TypeOf<DatabaseUnavailableException>());
        }

        Assert.That(proxy.Cuts, Is.EqualTo(1));
        Assert.That(link.State.Find<ConfigDesired>("config", RowKey.Of("cut")) is not null, Is.EqualTo(arrives));
        await link.InsertAsync(("config", Rows.Config("afterwards", "1")));
        Assert.That(link.State.Count("config"), Is.EqualTo(arrives ? 3 : 2));
    }

    private async Task WriteOrFailAsync(string key)
    {
        try
        {
            await _link.InsertAsync(("config", Rows.Config(key, "1")));
            Assert.That(_link.State.Find<ConfigDesired>("config", RowKey.Of(key)), Is.Not.Null, "An acknowledged write is visible.");
        }
        catch (Exception e) when (e is DatabaseUnavailableException or UnconfirmedCommitException)
        {
            // The one says that it was not written; the other, that a crash at the commit left no proof.
            await TestContext.Out.WriteLineAsync($"{key}: {e.Message}");
        }
    }

    private async Task<int> WalsenderAsync()
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT active_pid FROM pg_replication_slots WHERE active", connection);
        return (int)(await command.ExecuteScalarAsync())!;
    }
}
