using Npgsql;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Database.Tests;

/// <summary>Whatever JSON the database takes, the controller can load.</summary>
[TestFixture]
public sealed class JsonRuleTests
{
    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync() => _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [TestCase("""{"a": "\ud83d\udc34", "b": "\uD83D\uDC34\uD83D\uDC34"}""")]
    [TestCase("""["\\ud83d", "\\\\udc34", "\u0000", "\"\\\"[[[{{{"]""")]
    [TestCase("\"\\u005cud83d\"")]
    public async Task Values_that_only_look_wrong_are_taken(string json)
    {
        await _link.ExecuteAsync($"INSERT INTO config VALUES ('a', $json${json}$json$)");

        await _link.State.WaitForAsync(state => state.Count("config") == 1, "the row came");
        Assert.That(_link.State.All<ConfigDesired>().Single().Value, Is.EqualTo(JsonText.Parse(json)));
        Assert.That(_link.State.Losses, Is.Empty);
    }

    [Test]
    public async Task Values_are_taken_as_deep_as_they_can_be_read()
    {
        var json = new string('[', 64) + new string(']', 64);
        await _link.InsertAsync(("config", Rows.Config("deep", json)));

        Assert.That(_link.State.All<ConfigDesired>().Single().Value.Text, Is.EqualTo(json));
    }

    [Test]
    public async Task Whatever_is_refused_could_not_be_read_and_whatever_is_taken_can_be()
    {
        var random = new Random(20);
        string[] pieces = ["\\ud83d", "\\udc34", "\\uD83D\\uDC34", "\\\\", "\\\"", "\\u0000", "x", "u", "d8", "\\n", "[", "{", "]"];
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        await connection.OpenAsync();
        var refused = 0;
        for (var i = 0; i < 500; i++)
        {
            var json = $"[\"{string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => pieces[random.Next(pieces.Length)]))}\"]";
            await using var command = new NpgsqlCommand("SELECT json_is_readable(CAST($1 AS json))", connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = json });
            var taken = (bool)(await command.ExecuteScalarAsync())!;
            Assert.That(taken, Is.EqualTo(IsReadable(json)), json);
            refused += taken ? 0 : 1;
        }
        Assert.That(refused, Is.InRange(50, 450), "Both kinds were tried.");
    }

    [Test]
    public async Task Every_column_of_JSON_has_the_rule()
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            """
            SELECT coalesce(string_agg(c.relname || '.' || a.attname, ', '), '')
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                JOIN pg_publication_tables p ON p.tablename = c.relname AND p.schemaname = 'public' AND p.pubname = 'sparkle'
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'json'::regtype AND NOT a.attisdropped
              AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'
                  AND pg_get_constraintdef(k.oid) LIKE '%json_is_readable(' || quote_ident(a.attname) || ')%')
            """, connection);

        Assert.That(await command.ExecuteScalarAsync(), Is.Empty);
    }

    private static bool IsReadable(string json)
    {
        try
        {
            JsonText.Parse(json);
            return true;
        }
        catch (System.Text.Json.JsonException)
        {
            return false;
        }
    }
}
