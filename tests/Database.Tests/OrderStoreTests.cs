using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Outage;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Database.Tests;

/// <summary>Orders that had waited come to the database.</summary>
[TestFixture]
public sealed class OrderStoreTests
{
    private readonly TenantDesired _tenant = Rows.Tenant();
    private InstanceDesired _running = null!;
    private Link _link = null!;

    private InstanceDesired Stopped => _running with { State = InstanceState.Stopped };

    private RowKey Key => RowKey.Of(_running.Uuid);

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync(), Link.Patient with { LockTimeout = TimeSpan.FromMilliseconds(100) });
        _running = Rows.Instance(_tenant) with { State = InstanceState.Running };
        await _link.InsertAsync(("tenant", _tenant), ("instance", _running));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task An_order_is_carried_out_on_the_row_that_it_was_given_about()
    {
        Assert.That(await WriteAsync(Stop()), Is.TypeOf<OrderOutcome.Done>());
        await SeesAsync(Stopped);
    }

    [Test]
    public async Task A_row_that_changed_since_stands()
    {
        await _link.ExecuteAsync("UPDATE instance SET name = 'renamed'");

        Assert.That(await WriteAsync(Stop()), Is.EqualTo(new OrderOutcome.Overtaken(_running with { Name = "renamed" })));
        await SeesAsync(_running with { Name = "renamed" });
    }

    [Test]
    public async Task A_row_that_is_gone_needs_no_order()
    {
        await _link.ExecuteAsync("DELETE FROM instance");

        Assert.That(await WriteAsync(Stop()), Is.TypeOf<OrderOutcome.Moot>());
    }

    [Test]
    public async Task Tried_again_it_is_not_carried_out_again_even_when_the_row_was_put_back()
    {
        var order = Stop();
        await WriteAsync(order);
        Assert.That(await WriteAsync(order), Is.TypeOf<OrderOutcome.Done>());
        await _link.ExecuteAsync("UPDATE instance SET state = 'running'");

        Assert.That(await WriteAsync(order), Is.TypeOf<OrderOutcome.Done>());

        await SeesAsync(_running);
        await _link.Orders.ForgetAsync([order.Id], CancellationToken.None);
        Assert.That(await CountAsync("written_order"), Is.Zero);
    }

    [Test]
    public async Task A_further_order_is_carried_out_over_one_that_it_replaced()
    {
        var host = Rows.Host();
        await _link.InsertAsync(("host", host));
        var evacuated = host with { State = HostState.Evacuated };
        await _link.ExecuteAsync("UPDATE host SET state = 'evacuated'");

        var order = new LetGoOrder(
            Guid.NewGuid(), Link.Catalog["host"], RowKey.Of(host.Uuid), host, host with { State = HostState.Gone }, "a@b", null, DateTimeOffset.UnixEpoch);
        Assert.That(await WriteAsync(order), Is.EqualTo(new OrderOutcome.Overtaken(evacuated)));
        Assert.That(await WriteAsync(order with { Through = [evacuated] }), Is.TypeOf<OrderOutcome.Done>());
    }

    [Test]
    public async Task A_rule_that_refuses_it_is_named()
    {
        await _link.ExecuteAsync("ALTER TABLE instance ADD CONSTRAINT instance_never_stops CHECK (state <> 'stopped')");

        Assert.That(await WriteAsync(Stop()), Is.EqualTo(new OrderOutcome.Refused(_running, "instance_never_stops")));
        Assert.That(await CountAsync("written_order"), Is.Zero);
    }

    [Test]
    public async Task A_journaled_request_is_kept_once_and_found_when_it_is_repeated()
    {
        var key = new RequestKey("owner@a.example", new string('a', 64), new string('b', 64));
        await _link.Orders.KeepAsync(new JournaledRequest(key, "1"), CancellationToken.None);
        await _link.Orders.KeepAsync(new JournaledRequest(key, "2"), CancellationToken.None);

        Assert.That(await _link.Writer.FindAsync(key, CancellationToken.None), Is.EqualTo(new KeptAnswer(key.Fingerprint, "1")));
    }

    [Test]
    public async Task A_row_that_somebody_holds_is_for_later()
    {
        await using var other = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await other.OpenAsync();
        await using (await other.BeginTransactionAsync())
        {
            await using var hold = new NpgsqlCommand("SELECT FROM instance FOR UPDATE", other);
            await hold.ExecuteNonQueryAsync();

            Assert.That(await WriteAsync(Stop()), Is.TypeOf<OrderOutcome.Held>());
        }

        Assert.That(await WriteAsync(Stop()), Is.TypeOf<OrderOutcome.Done>());
    }

    [Test]
    public async Task Waiting_orders_are_in_the_first_load_after_an_outage()
    {
        await using var server = await PostgresServer.StartNewAsync();
        await using var link = await Link.OpenAsync(await server.CreateDatabaseAsync());
        await link.InsertAsync(("tenant", _tenant), ("instance", _running));
        await server.KillAsync();
        await link.State.WaitForAsync(state => !state.IsUp, "the loss is noticed");
        var order = Stop();
        link.BeforeLoad = () => link.Orders.WriteAsync(order, CancellationToken.None);
        var states = new List<InstanceState>();
        link.State.OnLoaded = () => states.Add(link.State.All<InstanceDesired>().Single().State);

        await server.StartAsync();

        await link.State.WaitForAsync(state => state.IsUp, "the link is back");
        Assert.That(states, Is.Not.Empty);
        Assert.That(states, Is.All.EqualTo(InstanceState.Stopped));
    }

    [Test]
    public async Task While_another_controller_is_active_waiting_orders_are_written_all_the_same()
    {
        var order = Stop();
        await using var second = Link.Start(_link.ConnectionString);
        second.BeforeLoad = () => second.Orders.WriteAsync(order, CancellationToken.None);

        await SeesAsync(Stopped);
        Assert.That(second.State.Loads, Is.Zero);
    }

    [Test]
    public async Task Old_rows_are_removed_in_bounded_numbers()
    {
        var now = DateTimeOffset.UnixEpoch.AddYears(60);
        await _link.ExecuteAsync("""
            INSERT INTO event (hash, ctime, mtime, count, type, severity)
                SELECT lpad(to_hex(i), 64, '0'), '2029-01-01', timestamptz '2029-12-31 00:00:00+00' - make_interval(days => i), 1, 'a', 'info'
                FROM generate_series(1, 50) i;
            INSERT INTO enrolment (hash, expires) VALUES (repeat('a', 64), '2029-12-30'), (repeat('b', 64), '2029-12-31 12:00:00+00'), (repeat('c', 64), '2031-01-01');
            INSERT INTO metering (tenant, type, kind, amount, target, start, "end")
                SELECT gen_random_uuid(), 'ips', '{}', 1, gen_random_uuid(), '2029-01-01', ended
                FROM unnest(ARRAY['2029-09-01', '2029-12-30', NULL]::timestamptz[]) AS ended;
            INSERT INTO written_order VALUES (gen_random_uuid(), '2029-11-01'), (gen_random_uuid(), '2029-12-31');
            """);
        var options = new RetentionOptions
        {
            EventAge = TimeSpan.FromDays(30),
            Events = 20,
            Batch = 7,
        };

        var swept = new List<int>();
        do
        {
            swept.Add(await _link.Retention.SweepAsync(options, now, CancellationToken.None));
        }
        while (swept[^1] > 0);

        Assert.That(swept, Is.All.LessThanOrEqualTo(5 * 7));
        Assert.That(swept.Sum(), Is.EqualTo(30 + 1 + 1 + 1));
        await _link.State.WaitForAsync(state => state.Count("event") == 20 && state.Count("enrolment") == 2 && state.All<MeteringDesired>().Count(row => row.Type == ResourceType.Ips) == 2, "memory followed");
        Assert.That(_link.State.All<EventDesired>().Min(row => row.Mtime), Is.EqualTo(new DateTimeOffset(2029, 12, 11, 0, 0, 0, TimeSpan.Zero)));
        Assert.That(await CountAsync("written_order"), Is.EqualTo(1));
    }

    [Test]
    public async Task Changes_of_one_transaction_come_as_one_in_the_order_of_the_commits()
    {
        await using var early = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await early.OpenAsync();
        await using var transaction = await early.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand("INSERT INTO config VALUES ('first', '1')", early))
            await insert.ExecuteNonQueryAsync();
        var before = _link.State.Transactions.Count;

        await _link.ExecuteAsync("BEGIN; INSERT INTO config VALUES ('second', '1'), ('third', '1'); UPDATE config SET value = '2' WHERE key = 'third'; COMMIT");
        await _link.State.WaitForAsync(state => state.Count("config") == 2, "the second came");
        await using (var insert = new NpgsqlCommand("INSERT INTO config VALUES ('fourth', '1')", early))
            await insert.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
        await _link.State.WaitForAsync(state => state.Count("config") == 4, "the first came");

        var keys = _link.State.Transactions.Skip(before).Select(changes => changes.Cast<DatabaseChange.OfRow>().Select(row => row.Change.Key.Text));
        Assert.That(keys, Is.EqualTo(new[] { new[] { "second", "third", "third" }, ["first", "fourth"] }));
    }

    private LetGoOrder Stop() => new(
        Guid.NewGuid(), Link.Catalog["instance"], Key, _running, Stopped, "owner@a.example", _tenant.Uuid.ToString(), DateTimeOffset.UnixEpoch);

    private Task<OrderOutcome> WriteAsync(LetGoOrder order) => _link.Orders.WriteAsync(order, CancellationToken.None);

    private Task SeesAsync(InstanceDesired row) =>
        _link.State.WaitForAsync(state => row.Equals(state.Find<InstanceDesired>("instance", Key)), "the row is seen");

    private async Task<long> CountAsync(string table)
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"SELECT count(*) FROM {table}", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
