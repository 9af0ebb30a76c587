using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Database;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Database.Tests;

/// <summary>A request that was carried out is kept, and one that was not is not, whatever happened in between.</summary>
[TestFixture]
public sealed class RequestLedgerTests
{
    private static readonly RequestKey Key = new("rarity@boutique.example", new string('a', 64), new string('b', 64));

    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync() => _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    private static RowWrite[] Setting(string key, string json = "1") => [new RowWrite.Insert(Link.Catalog["config"], Rows.Config(key, json))];

    private Task<KeptAnswer?> WriteAsync(string setting, string answer) =>
        _link.Writer.WriteAsync(Setting(setting), Key, answer, CancellationToken.None);

    [Test]
    public async Task The_second_time_nothing_is_written_and_the_first_answer_comes_back()
    {
        Assert.That(await _link.Writer.FindAsync(Key, CancellationToken.None), Is.Null);
        Assert.That(await WriteAsync("a", "1"), Is.Null);
        Assert.That(await WriteAsync("b", "2"), Is.EqualTo(new KeptAnswer(Key.Fingerprint, "1")));
        Assert.That(await _link.Writer.FindAsync(Key, CancellationToken.None), Is.EqualTo(new KeptAnswer(Key.Fingerprint, "1")));
        Assert.That(_link.State.All<ConfigDesired>().Select(row => row.Key), Is.EqualTo((string[])["a"]));
    }

    [Test]
    public async Task A_request_that_is_refused_is_not_kept()
    {
        await _link.InsertAsync(("config", Rows.Config("a", "1")));
        Assert.That(() => WriteAsync("a", "1"), Throws.TypeOf<WriteRefusedException>());
        Assert.That(await _link.Writer.FindAsync(Key, CancellationToken.None), Is.Null);
        Assert.That(await WriteAsync("b", "2"), Is.Null);
    }

    [Test]
    public async Task Of_many_at_once_one_is_carried_out()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => WriteAsync($"k{i}", $"{i}")));
        Assert.That(_link.State.Count("config"), Is.EqualTo(1));
        var only = _link.State.All<ConfigDesired>().Single().Key[1..];
        Assert.That(answers.Count(answer => answer is null), Is.EqualTo(1));
        Assert.That(answers.OfType<KeptAnswer>().Select(answer => answer.Answer), Is.All.EqualTo(only));
    }

    [Test]
    public async Task A_request_without_writes_is_kept_as_well()
    {
        Assert.That(await _link.Writer.WriteAsync([], Key, "1", CancellationToken.None), Is.Null);
        Assert.That(await WriteAsync("a", "2"), Is.EqualTo(new KeptAnswer(Key.Fingerprint, "1")));
        Assert.That(_link.State.Count("config"), Is.Zero);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_connection_lost_at_the_commit_leaves_both_or_none(bool delivered)
    {
        await using var proxy = new CuttingProxy(Path.Combine(SharedServer.Server.SocketDirectory, ".s.PGSQL.5432"));
        var through = new NpgsqlConnectionStringBuilder(_link.ConnectionString) { Host = proxy.Directory, Port = 5432 }.ConnectionString;
        await _link.DisposeAsync();
        _link = await Link.OpenAsync(_link.ConnectionString, writeThrough: through);
        proxy.CutAt("COMMIT\0", delivered);

        if (delivered)
            Assert.That(await WriteAsync("a", "1"), Is.Null);
        else
            Assert.That(() => WriteAsync("a", "1"), Throws.TypeOf<DatabaseUnavailableException>());

        Assert.That(proxy.Cuts, Is.EqualTo(1));
        Assert.That(await _link.Writer.FindAsync(Key, CancellationToken.None) is not null, Is.EqualTo(delivered));
        Assert.That(await WriteAsync("b", "2") is not null, Is.EqualTo(delivered));
        Assert.That(_link.State.All<ConfigDesired>().Select(row => row.Key), Is.EqualTo((string[])[delivered ? "a" : "b"]));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_transaction_that_a_dead_controller_left_behind_is_waited_for(bool commits)
    {
        await using var left = await LeaveAsync();
        var found = _link.Writer.FindAsync(Key, CancellationToken.None);
        await AwaitLockAsync();
        Assert.That(found.IsCompleted, Is.False);

        await using (var end = new NpgsqlCommand(commits ? "COMMIT" : "ROLLBACK", left))
            await end.ExecuteNonQueryAsync();

        Assert.That(await found, Is.EqualTo(commits ? new KeptAnswer(Key.Fingerprint, "7") : null));
    }

    [Test]
    public async Task One_that_takes_too_long_is_said_to_be_under_way()
    {
        await using var left = await LeaveAsync();
        await using var hasty = await Link.OpenAsync(
            await SharedServer.Server.CreateDatabaseAsync(), Link.Patient with { LockTimeout = TimeSpan.FromMilliseconds(100) });
        await using var other = await LeaveAsync(hasty.ConnectionString);

        Assert.That(() => hasty.Writer.FindAsync(Key, CancellationToken.None), Throws.TypeOf<RequestUnderWayException>());
        Assert.That(() => hasty.Writer.WriteAsync(Setting("a"), Key, "1", CancellationToken.None), Throws.TypeOf<RequestUnderWayException>());
    }

    [Test]
    public async Task Old_requests_are_forgotten_in_batches()
    {
        await WriteAsync("a", "1");
        await _link.ExecuteAsync("""
            INSERT INTO request_key SELECT 'x', md5(i::text) || md5(i::text), repeat('b', 64), '1', now() - interval '25 hours' FROM generate_series(1, 1500) i
            """);

        Assert.That(await _link.Requests.SweepAsync(CancellationToken.None), Is.True);
        Assert.That(await _link.Requests.SweepAsync(CancellationToken.None), Is.False);

        Assert.That(await _link.Writer.FindAsync(Key, CancellationToken.None), Is.Not.Null);
        await _link.ExecuteAsync("DO $$ BEGIN ASSERT (SELECT count(*) FROM request_key) = 1; END $$");
    }

    // As a controller does it whose commit is still on its way while another takes over.
    private async Task<NpgsqlConnection> LeaveAsync(string? connectionString = null)
    {
        var connection = new NpgsqlConnection((connectionString ?? _link.ConnectionString) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"""
            BEGIN;
            SELECT pg_advisory_xact_lock(1920298105, hashtext('{Key.Owner}' || chr(31) || '{Key.Key}'));
            INSERT INTO request_key (owner, key, fingerprint, answer) VALUES ('{Key.Owner}', '{Key.Key}', '{Key.Fingerprint}', '7');
            """, connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private Task<long> AwaitLockAsync() => Eventually.SeesAsync(
        "somebody who waits for the key",
        async cancellation =>
        {
            await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
            await connection.OpenAsync(cancellation);
            await using var command = new NpgsqlCommand(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 1920298105", connection);
            return (long)(await command.ExecuteScalarAsync(cancellation))!;
        },
        waiting => waiting > 0);
}
