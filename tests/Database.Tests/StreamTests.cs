using System.Text.Json;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Database.Tests;

/// <summary>Whatever anybody does to the database, memory becomes the same, one transaction at a time.</summary>
[TestFixture]
public sealed class StreamTests
{
    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync() => _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task An_edit_by_psql_arrives()
    {
        await PostgresServer.PsqlAsync(_link.ConnectionString, "INSERT INTO tenant (name) VALUES ('Ponyville')");

        await _link.State.WaitForAsync(state => state.All<TenantDesired>().Any(tenant => tenant.Name == "Ponyville"), "the tenant came");
    }

    [Test]
    public async Task All_of_a_transaction_comes_at_once()
    {
        await PostgresServer.PsqlAsync(_link.ConnectionString, """
            BEGIN;
            INSERT INTO tenant (name) VALUES ('Ponyville');
            INSERT INTO instance (tenant, name, mem) SELECT uuid, 'web', 512 FROM tenant;
            COMMIT;
            """);

        await _link.State.WaitForAsync(state => state.Count("instance") == 1, "the instance came");
        // With the metering of the instance.
        Assert.That(_link.State.Transactions.Single(), Has.Count.EqualTo(3));
    }

    [Test]
    public async Task A_value_that_changes_and_changes_back_ends_where_it_began()
    {
        var tenant = Rows.Tenant("A");
        await _link.InsertAsync(("tenant", tenant));

        await PostgresServer.PsqlAsync(_link.ConnectionString, """
            BEGIN;
            UPDATE tenant SET name = 'B';
            UPDATE tenant SET name = 'A';
            COMMIT;
            INSERT INTO config VALUES ('done', 'true');
            """);

        await _link.State.WaitForAsync(state => state.Count("config") == 1, "all came");
        Assert.That(_link.State.All<TenantDesired>().Single(), Is.EqualTo(tenant));
    }

    [Test]
    public async Task What_is_rolled_back_never_comes()
    {
        await PostgresServer.PsqlAsync(_link.ConnectionString, """
            BEGIN;
            INSERT INTO tenant (name) VALUES ('all of it');
            ROLLBACK;
            BEGIN;
            INSERT INTO tenant (name) VALUES ('kept');
            SAVEPOINT here;
            INSERT INTO tenant (name) VALUES ('part of it');
            ROLLBACK TO here;
            SAVEPOINT there;
            INSERT INTO tenant (name) VALUES ('kept, too');
            RELEASE there;
            COMMIT;
            """);

        await _link.State.WaitForAsync(state => state.Count("tenant") > 0, "the rest came");
        Assert.That(_link.State.All<TenantDesired>().Select(tenant => tenant.Name), Is.EquivalentTo(["kept", "kept, too"]));
    }

    [Test]
    public async Task A_value_of_a_megabyte_stays_whole_when_another_column_changes()
    {
        var user = Rows.User() with { Data = JsonText.Parse($"\"{Noise(1_000_000)}\"") };
        await _link.InsertAsync(("user", user));

        await _link.ExecuteAsync("""UPDATE "user" SET alicorn = true""");

        await _link.State.WaitForAsync(state => state.All<UserDesired>().Single().Alicorn, "the update came");
        Assert.That(_link.State.All<UserDesired>().Single(), Is.EqualTo(user with { Alicorn = true }));
    }

    [Test]
    public async Task A_large_value_that_is_not_logged_leads_to_a_new_load()
    {
        var user = Rows.User() with { Data = JsonText.Parse($"\"{Noise(100_000)}\"") };
        await _link.InsertAsync(("user", user));

        await _link.ExecuteAsync("""ALTER TABLE "user" REPLICA IDENTITY DEFAULT; UPDATE "user" SET alicorn = true""");

        await _link.State.WaitForAsync(state => state.Loads == 2, "it was loaded again");
        Assert.That(_link.State.All<UserDesired>().Single(), Is.EqualTo(user with { Alicorn = true }));
        Assert.That(_link.State.Losses.Single(), Does.Contain("REPLICA IDENTITY FULL"));
    }

    [Test]
    public async Task A_key_that_changes_moves_the_row()
    {
        await _link.InsertAsync(("config", Rows.Config("old", "1")));

        await _link.ExecuteAsync("UPDATE config SET key = 'new'");

        await _link.State.WaitForAsync(state => state.Find<ConfigDesired>("config", RowKey.Of("new")) is not null, "it came");
        Assert.That(_link.State.All<ConfigDesired>().Single(), Is.EqualTo(Rows.Config("new", "1")));
    }

    [Test]
    public async Task Truncate_removes_all_rows()
    {
        await _link.InsertAsync(("config", Rows.Config("a", "1")), ("config", Rows.Config("b", "1")), ("tenant", Rows.Tenant()));

        await _link.ExecuteAsync("BEGIN; TRUNCATE config, event; INSERT INTO config VALUES ('c', '2'); COMMIT");

        await _link.State.WaitForAsync(state => state.Find<ConfigDesired>("config", RowKey.Of("c")) is not null, "it came");
        Assert.That(_link.State.All<ConfigDesired>().Single(), Is.EqualTo(Rows.Config("c", "2")));
        Assert.That(_link.State.Count("tenant"), Is.EqualTo(1));
    }

    [Test]
    public async Task Columns_and_tables_of_others_do_no_harm()
    {
        await _link.ExecuteAsync("""
            ALTER TABLE tenant ADD COLUMN colour text DEFAULT 'purple';
            CREATE TABLE other (a int PRIMARY KEY);
            ALTER PUBLICATION sparkle ADD TABLE other;
            INSERT INTO other VALUES (1);
            """);

        var tenant = Rows.Tenant();
        await _link.InsertAsync(("tenant", tenant));
        await _link.ExecuteAsync("ALTER TABLE tenant DROP COLUMN colour");
        await _link.UpdateAsync("tenant", tenant, tenant with { Approved = true });

        Assert.That(_link.State.All<object>().Single(), Is.EqualTo(tenant with { Approved = true }));
        Assert.That(_link.State.Losses, Is.Empty);
    }

    [Test]
    public async Task A_transaction_of_a_hundred_thousand_rows_comes_whole()
    {
        await _link.ExecuteAsync("INSERT INTO config SELECT 'key' || i, to_json(i) FROM generate_series(1, 100000) i");

        await _link.State.WaitForAsync(state => state.Transactions.Count == 1, "it came");
        Assert.That(_link.State.Count("config"), Is.EqualTo(100_000));
        Assert.That(_link.State.Find<ConfigDesired>("config", RowKey.Of("key77777")), Is.EqualTo(Rows.Config("key77777", "77777")));
    }

    [Test]
    public async Task Transactions_of_many_clients_come_in_an_order_that_leads_to_the_same_rows()
    {
        await _link.ExecuteAsync("INSERT INTO config SELECT 'key' || i, '0' FROM generate_series(0, 9) i");

        await Task.WhenAll(Enumerable.Range(0, 6).Select(client => Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
                await _link.ExecuteAsync($"UPDATE config SET value = to_json({client * 1000 + i}) WHERE key = 'key{(client + i) % 10}'");
        })));
        await _link.InsertAsync(("config", Rows.Config("last", "true")));

        await _link.DisposeAsync();
        await using var second = await Link.OpenAsync(_link.ConnectionString);
        Assert.That(_link.State.All<object>(), Is.EquivalentTo(second.State.All<object>()));
    }

    [Test]
    public async Task An_open_transaction_at_the_start_holds_nothing_up()
    {
        await using var writer = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await writer.OpenAsync();
        await using var transaction = await writer.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand("INSERT INTO config VALUES ('open', '1')", writer))
            await insert.ExecuteNonQueryAsync();

        await _link.DisposeAsync();
        await using var second = await Link.OpenAsync(_link.ConnectionString, Link.Patient with { SlotGrace = TimeSpan.FromMilliseconds(50) });
        await second.InsertAsync(("config", Rows.Config("meanwhile", "2")));
        Assert.That(second.State.Transactions, Is.Empty, "There is no change stream yet.");
        Assert.That(second.State.All<ConfigDesired>().Select(config => config.Key), Is.EqualTo(["meanwhile"]));

        await transaction.CommitAsync();
        await second.State.WaitForAsync(state => state.Count("config") == 2, "the open transaction came");
        await second.InsertAsync(("config", Rows.Config("afterwards", "3")));
        Assert.That(second.State.Count("config"), Is.EqualTo(3));
        Assert.That(second.State.Losses, Is.Empty);
    }

    [Test]
    public async Task A_row_that_this_version_does_not_understand_is_said_and_mended_by_its_correction()
    {
        await _link.ExecuteAsync("ALTER TABLE host DROP CONSTRAINT host_state_list");
        await _link.ExecuteAsync($"INSERT INTO host (uuid, name, state) VALUES ('{Guid.NewGuid()}', 'a', 'floating')");
        await _link.State.WaitForAsync(state => !state.IsUp, "the link is given up");

        await _link.ExecuteAsync("UPDATE host SET state = 'present'");

        await _link.State.WaitForAsync(state => state.IsUp && state.Count("host") == 1, "the link is back");
        Assert.That(_link.State.Losses[0], Does.Contain("state"));
    }

    [TestCase("DROP PUBLICATION sparkle", "publication")]
    [TestCase("ALTER PUBLICATION sparkle DROP TABLE tenant", "tenant")]
    [TestCase("UPDATE schema_migration SET checksum = 'x' WHERE version = 1", "0001-")]
    [TestCase("INSERT INTO schema_migration VALUES (9999, '9999-future.sql', 'x')", "newer")]
    public async Task A_database_that_cannot_be_followed_says_why(string harm, string why)
    {
        await _link.ExecuteAsync(harm);

        await using var second = Link.Start(_link.ConnectionString);

        await second.State.WaitForAsync(state => state.Losses.Count > 0, "the link is refused");
        Assert.That(second.State.Losses[0], Does.Contain(why));
        Assert.That(
            () => second.InsertAsync(("tenant", Rows.Tenant())), Throws.TypeOf<DatabaseUnavailableException>().With.Message.Contains(why));
    }

    [Test]
    public async Task A_role_without_the_right_to_replicate_is_told_so()
    {
        await _link.ExecuteAsync("""
            DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain;
            """);
        var plain = new NpgsqlConnectionStringBuilder(_link.ConnectionString) { Username = "plain" }.ConnectionString;

        await using var second = Link.Start(plain, Link.Patient with { ApplyMigrations = false });

        await second.State.WaitForAsync(state => state.Losses.Count > 0, "the link is refused");
        Assert.That(second.State.Losses[0], Does.Contain("REPLICATION"));
    }

    // Text that does not compress, so that it is stored out of line.
    private static string Noise(int length)
    {
        var random = new Random(4711);
        return JsonEncodedText.Encode(string.Create(length, random, static (text, random) =>
        {
            for (var i = 0; i < text.Length; i++)
                text[i] = (char)('!' + random.Next(90));
        })).ToString();
    }
}
