using Npgsql;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Database.Tests;

/// <summary>Shared disks are cut by the controller, against a database that others write to as well.</summary>
[TestFixture]
public sealed class ExtentPlacementTests
{
    private const string Pool = "a0000000-0000-4000-8000-000000000000";

    /// <summary>How many volumes have not exactly what they are to have.</summary>
    private const string Lacking = """
        SELECT count(*) FROM volume
        WHERE size IS DISTINCT FROM (SELECT sum(upper(range) - lower(range)) FROM extent WHERE volume = volume.uuid)
        """;

    private string _database = null!;

    [SetUp]
    public async Task MakeAsync()
    {
        _database = await SharedServer.Server.CreateDatabaseAsync();
        await ExecuteAsync($$"""
            INSERT INTO storage_pool (uuid, name, type, config, shareable) VALUES ('{{Pool}}', 'san', 'shared-lvm', '{"name":"san"}', true);
            INSERT INTO disk (id, type, targets, storage_pool, size)
            SELECT 'disk' || i, 'iscsi', ARRAY['192.0.2.1:3260/iqn.2001-04.com.example:disk/' || i], '{{Pool}}', 4000
            FROM generate_series(0, 3) AS i;
            """);
    }

    [Test]
    public async Task Many_volumes_that_are_made_at_once_share_the_disks_and_another_controller_goes_on_from_there()
    {
        await using (await ControllerOnPostgres.StartAsync(_database))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
            {
                for (var batch = 0; batch < 5; batch++)
                    await AddVolumesAsync($"w{writer}-{batch}", 10, size: 1 + writer * 3 + batch);
            })));
            await AllHaveSpaceAsync();
        }
        var before = await PlacesAsync();

        await using (await ControllerOnPostgres.StartAsync(_database))
        {
            await AddVolumesAsync("late", 50, size: 20);
            await ExecuteAsync("UPDATE volume SET size = size * 2 WHERE name LIKE 'w%'");
            await AllHaveSpaceAsync();
        }
        var after = await PlacesAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Has.Count.GreaterThanOrEqualTo(400));
            Assert.That(before, Is.SubsetOf(after), "what a volume had stays where it was");
            Assert.That(
                await CountAsync("SELECT count(*) FROM extent a JOIN extent b USING (disk) WHERE a.range && b.range AND a.uuid < b.uuid"),
                Is.Zero);
        }
    }

    [Test]
    public async Task Space_that_somebody_takes_by_hand_meanwhile_is_theirs_and_the_volume_gets_other()
    {
        await using var controller = await ControllerOnPostgres.StartAsync(_database);
        await using var connection = new NpgsqlConnection(_database + ";Pooling=false");
        await connection.OpenAsync();
        await using (var byHand = await connection.BeginTransactionAsync())
        {
            await using var taking = new NpgsqlCommand($"""
                INSERT INTO volume (uuid, name, size, storage_pool)
                VALUES ('b0000000-0000-4000-8000-000000000000', 'by-hand', 100, '{Pool}');
                INSERT INTO extent (storage_pool, disk, range, volume)
                VALUES ('{Pool}', 'disk0', '[0,100)', 'b0000000-0000-4000-8000-000000000000');
                """, connection);
            await taking.ExecuteNonQueryAsync();
            await AddVolumesAsync("v", 1, size: 50);
            await Eventually.SeesAsync(
                "the controller to wait for that very space",
                _ => CountAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"),
                waiting => waiting > 0);
            await byHand.CommitAsync();
        }
        await AllHaveSpaceAsync();
        Assert.That(await PlacesAsync(), Is.EquivalentTo(["by-hand 0 disk0 0", "v-1 0 disk0 100"]));
    }

    [Test]
    public async Task What_a_deleted_volume_had_is_given_to_another_only_when_it_has_been_wiped()
    {
        await using var controller = await ControllerOnPostgres.StartAsync(_database);
        await AddVolumesAsync("old", 1, size: 15_000);
        await AllHaveSpaceAsync();
        await ExecuteAsync("""
            INSERT INTO host (uuid, name) VALUES ('c0000000-0000-4000-8000-000000000000', 'cloudsdale');
            INSERT INTO host_volume (host, volume) SELECT 'c0000000-0000-4000-8000-000000000000', uuid FROM volume;
            DELETE FROM volume;
            """);
        await AddVolumesAsync("large", 1, size: 15_500);
        await AddVolumesAsync("small", 1, size: 500);
        // It came last, so the large one was looked at as well.
        await Eventually.SeesAsync("space for the small one", _ => CountAsync(Lacking), lacking => lacking == 1);
        Assert.That((await PlacesAsync()).Single(), Does.StartWith("small-1 "));

        await ExecuteAsync("UPDATE tombstone SET done = true; DELETE FROM tombstone");
        await AllHaveSpaceAsync();
    }

    private async Task AllHaveSpaceAsync() =>
        await Eventually.SeesAsync("space for all volumes", _ => CountAsync(Lacking), lacking => lacking == 0);

    private Task AddVolumesAsync(string name, int count, int size) => ExecuteAsync(
        $"INSERT INTO volume (name, size, storage_pool) SELECT '{name}-' || i, {size}, '{Pool}' FROM generate_series(1, {count}) AS i");

    /// <summary>Volume, order, disk and start of every extent of a volume.</summary>
    private async Task<IReadOnlyList<string>> PlacesAsync()
    {
        await using var source = NpgsqlDataSource.Create(_database + ";Pooling=false");
        await using var command = source.CreateCommand("""
            SELECT concat_ws(' ', name, "order", disk, lower(range)) FROM extent JOIN volume ON volume.uuid = extent.volume
            """);
        await using var reader = await command.ExecuteReaderAsync();
        var places = new List<string>();
        while (await reader.ReadAsync())
            places.Add(reader.GetString(0));
        return places;
    }

    private async Task<long> CountAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_database + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_database + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
