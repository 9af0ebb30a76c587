using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Database.Leading;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Database.Tests;

/// <summary>One controller is active in a database, and whoever comes after it has a higher epoch.</summary>
[TestFixture]
public sealed class LeaseTests
{
    // Short where a test waits for it, as a busy machine may outlast it.
    private static readonly DatabaseOptions Brief = Link.Patient with
    {
        LeaseTimeout = TimeSpan.FromSeconds(3),
        RetryMaximum = TimeSpan.FromMilliseconds(200),
    };

    private string _database = null!;

    [SetUp]
    public async Task MakeAsync() => _database = await SharedServer.Server.CreateDatabaseAsync();

    [Test]
    public async Task Every_start_has_an_epoch_of_its_own()
    {
        for (var start = 1; start <= 3; start++)
        {
            await using var link = await Link.OpenAsync(_database);
            Assert.That(link.State.Epoch, Is.EqualTo(start));
            Assert.That(await ReadAsync(), Is.EqualTo(start), "It is committed before it is used.");
        }
    }

    [Test]
    public async Task A_second_controller_waits_and_takes_over_when_the_first_is_gone()
    {
        var first = await Link.OpenAsync(_database);
        await using var second = Link.Start(_database);
        await second.State.WaitForAsync(state => state.Losses.Count > 0, "the second waits");
        Assert.That(second.State.Losses[0], Does.Contain("Another controller is active"));
        Assert.That(
            () => second.InsertAsync(("tenant", Rows.Tenant())),
            Throws.TypeOf<DatabaseUnavailableException>().With.Message.Contains("Another controller is active"));

        var tenant = Rows.Tenant();
        await first.InsertAsync(("tenant", tenant));
        Assert.That(second.State.Loads, Is.Zero);
        await first.DisposeAsync();

        await second.State.WaitForAsync(state => state.IsUp, "the second is active");
        Assert.That(second.State.Epochs, Is.EqualTo([2]));
        Assert.That(second.State.All<TenantDesired>(), Is.EqualTo([tenant]), "What it acts upon is newer than its lease.");
        Assert.That(second.State.Losses, Has.Count.EqualTo(1), "The wait is told once.");
    }

    [Test]
    public async Task A_frozen_controller_is_replaced_and_knows_it_when_it_is_back()
    {
        var time = new ManualTime();
        await using var frozen = Link.Start(_database, Brief, time: time);
        await frozen.State.WaitForAsync(state => state.IsUp, "the first is active");

        await using var second = await Link.OpenAsync(_database, Brief);
        Assert.That(second.State.Epochs, Is.EqualTo([2]));

        await ThawAsync(time, () => frozen.State.Epoch is null);
        Assert.That(frozen.State.Epochs, Is.EqualTo(new long?[] { 1, null }));
        Assert.That(frozen.State.Losses[^1], Does.Contain("Another controller has taken over"));
        Assert.That(() => frozen.InsertAsync(("tenant", Rows.Tenant())), Throws.TypeOf<DatabaseUnavailableException>());

        await second.DisposeAsync();
        await ThawAsync(time, () => frozen.State.IsUp);
        Assert.That(frozen.State.Epochs, Is.EqualTo(new long?[] { 1, null, 3 }));
    }

    [Test]
    public async Task A_lease_that_is_cut_and_that_nobody_took_goes_on_with_its_epoch()
    {
        await using var link = await Link.OpenAsync(_database, Brief);
        var loads = link.State.Loads;

        await CutAsync();

        await link.State.WaitForAsync(state => state.Loads > loads, "it was loaded again");
        Assert.That(link.State.Epochs, Is.EqualTo([1]));
        Assert.That(link.State.Losses[0], Does.Contain("lease"));
    }

    [Test]
    public async Task A_lease_that_is_cut_and_that_somebody_took_is_over()
    {
        await using var link = await Link.OpenAsync(_database, Brief);
        await using (var other = await TakeAwayAsync())
        {
            await ExecuteAsync("UPDATE controller SET epoch = epoch + 1");
            await link.State.WaitForAsync(state => state.Epoch is null, "it falls silent");
            Assert.That(link.State.IsUp, Is.False);
        }

        await link.State.WaitForAsync(state => state.IsUp, "it is active anew");
        Assert.That(link.State.Epochs, Is.EqualTo(new long?[] { 1, null, 3 }));
    }

    [Test]
    public async Task A_controller_that_came_and_went_unseen_is_told_by_its_epoch()
    {
        await using var link = await Link.OpenAsync(_database, Brief);
        await using (await TakeAwayAsync())
        {
            await link.State.WaitForAsync(state => state.Losses.Any(why => why.Contains("Another session", StringComparison.Ordinal)), "it waits");
            Assert.That(link.State.Epoch, Is.EqualTo(1), "It may be the remains of its own session.");
            await ExecuteAsync("UPDATE controller SET epoch = epoch + 1");
        }

        await link.State.WaitForAsync(state => state.IsUp, "it is active anew");
        Assert.That(link.State.Epochs, Is.EqualTo(new long?[] { 1, null, 3 }));
    }

    [Test]
    public async Task A_lock_without_a_higher_epoch_changes_nothing_once_it_is_free()
    {
        await using var link = await Link.OpenAsync(_database, Brief);
        await using (await TakeAwayAsync())
        {
            await link.State.WaitForAsync(state => state.Losses.Any(why => why.Contains("Another session", StringComparison.Ordinal)), "it waits");
            Assert.That(() => link.InsertAsync(("tenant", Rows.Tenant())), Throws.TypeOf<DatabaseUnavailableException>());
        }

        await link.State.WaitForAsync(state => state.IsUp, "it is back");
        Assert.That(link.State.Epochs, Is.EqualTo([1]));
        Assert.That(link.Recorded, Is.Empty);
    }

    [Test]
    public async Task Without_the_lease_a_host_that_knows_of_a_higher_epoch_silences_it()
    {
        await using var link = await Link.OpenAsync(_database, Brief);
        await using (await TakeAwayAsync())
        {
            await link.State.WaitForAsync(state => state.Losses.Any(why => why.Contains("Another session", StringComparison.Ordinal)), "it waits");
            link.Lease.Heard(5);
            await link.State.WaitForAsync(state => state.Epoch is null, "it falls silent");
            Assert.That(await ReadAsync(), Is.EqualTo(1), "It changes nothing in a database that it does not hold.");
        }

        await link.State.WaitForAsync(state => state.Epoch == 6, "it holds the lease and is above what hosts know");
    }

    [Test]
    public async Task A_database_older_than_the_hosts_comes_above_what_they_know()
    {
        await ExecuteAsync("UPDATE controller SET epoch = 9");
        await (await Link.OpenAsync(_database)).DisposeAsync();
        await ExecuteAsync("UPDATE controller SET epoch = 3");
        await using var link = await Link.OpenAsync(_database);
        Assert.That(link.State.Epoch, Is.EqualTo(4));

        link.Lease.Heard(10);

        await link.State.WaitForAsync(state => state.Epoch == 11, "the epoch is raised");
        Assert.That(await ReadAsync(), Is.EqualTo(11));
        Assert.That(link.State.Epochs, Is.EqualTo([4, 11]), "It never was without one.");
        Assert.That(link.State.Loads, Is.EqualTo(1));
        var raised = link.Recorded.Single();
        Assert.That((raised.Type, raised.Severity), Is.EqualTo(("controller-epoch-raised", EventSeverity.Error)));
        Assert.That(raised.Data!.ToString(), Does.Contain("\"known\":10").And.Contain("\"epoch\":11"));
    }

    [Test]
    public async Task An_epoch_is_raised_once_a_minute_whatever_hosts_say()
    {
        await using var link = await Link.OpenAsync(_database, Brief with { EpochRaisePause = TimeSpan.FromHours(1) });
        link.Lease.Heard(10);
        await link.State.WaitForAsync(state => state.Epoch == 11, "the epoch is raised");
        var loads = link.State.Loads;

        link.Lease.Heard(20);
        await CutAsync();

        await link.State.WaitForAsync(state => state.Loads > loads, "it has looked since");
        Assert.That(await ReadAsync(), Is.EqualTo(11));
        Assert.That(link.State.Epochs, Is.EqualTo([1, 11]));
    }

    [Test]
    public async Task Epochs_that_are_not_higher_or_not_possible_change_nothing()
    {
        await using var link = await Link.OpenAsync(_database, Brief with { EpochRaisePause = TimeSpan.Zero });

        link.Lease.Heard(long.MaxValue);
        link.Lease.Heard(-1);
        link.Lease.Heard(1);
        link.Lease.Heard(2);

        await link.State.WaitForAsync(state => state.Epoch is > 1, "the epoch is raised");
        Assert.That(link.State.Epochs, Is.EqualTo([1, 3]));
    }

    [Test]
    public async Task An_older_epoch_put_into_the_table_is_noticed_and_passed()
    {
        await ExecuteAsync("UPDATE controller SET epoch = 9");
        await using var link = await Link.OpenAsync(_database, Brief);

        await ExecuteAsync("TRUNCATE controller; INSERT INTO controller (epoch) VALUES (3)");

        await link.State.WaitForAsync(state => state.Epoch == 11, "it is active anew");
        Assert.That(link.State.Epochs, Is.EqualTo(new long?[] { 10, null, 11 }));
        Assert.That(link.Recorded.Single().Type, Is.EqualTo("controller-epoch-raised"));
    }

    [Test]
    public async Task An_empty_table_is_filled_again()
    {
        await using var link = await Link.OpenAsync(_database, Brief);

        await ExecuteAsync("TRUNCATE controller");

        await link.State.WaitForAsync(state => state.Epoch == 2, "it is active anew");
        Assert.That(await ReadAsync(), Is.EqualTo(2));
    }

    /// <summary>Lets the time of a link go on until the condition holds.</summary>
    private static Task ThawAsync(ManualTime time, Func<bool> holds) => Eventually.HoldsAsync("the thaw to show", () =>
    {
        time.Advance(TimeSpan.FromMilliseconds(100));
        return holds();
    });

    /// <summary>Ends the session of the lease, from the server's side.</summary>
    private Task CutAsync() => ExecuteAsync(
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database "
        + "WHERE locktype = 'advisory' AND granted AND datname = current_database()");

    /// <summary>Cuts the lease and has it at once: whoever waits for a lock gets it before anybody who only tries.</summary>
    private async Task<NpgsqlConnection> TakeAwayAsync()
    {
        var other = new NpgsqlConnection(_database + ";Pooling=false");
        await other.OpenAsync();
        await using var take = new NpgsqlCommand($"SELECT pg_advisory_lock({ControllerLease.LockKey})", other);
        var taking = take.ExecuteNonQueryAsync();
        await Eventually.SeesAsync(
            "somebody who waits for the lease", _ => ScalarAsync("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), count => count > 0);
        await CutAsync();
        await taking;
        return other;
    }

    private Task<long> ReadAsync() => ScalarAsync("SELECT epoch FROM controller");

    private async Task<long> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
