using System.Diagnostics;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Benchmarks.Extents;

/// <summary>
/// Extents for as many volumes, until PostgreSQL has them: written by hand over one connection, as many in a transaction as
/// the controller writes; or by the controller, from when the volumes are made until readers see that all have their space.
/// </summary>
internal static class ExtentInserts
{
    private const int PerTransaction = 256;
    private const int Volumes = PerTransaction * 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Extents per second.</summary>
    public static async Task<(double ByHand, double ByController)> RunAsync()
    {
        await using var server = await PostgresServer.StartNewAsync();
        var byHand = await ByHandAsync(await MakeDatabaseAsync(server));
        return (byHand, await ByControllerAsync(await MakeDatabaseAsync(server)));
    }

    private static async Task<string> MakeDatabaseAsync(PostgresServer server)
    {
        var database = await server.CreateDatabaseAsync();
        await PostgresServer.PsqlAsync(database, """
            INSERT INTO storage_pool (uuid, name, type, config) VALUES (md5('pool')::uuid, 'san', 'shared-lvm', '{"name":"san"}');
            INSERT INTO disk (id, type, targets, storage_pool, size)
            VALUES ('disk', 'iscsi', ARRAY['192.0.2.1:3260/iqn.2001-04.com.example:disk/0'], md5('pool')::uuid, 1000000);
            """);
        return database;
    }

    private static async Task MakeVolumesAsync(NpgsqlConnection connection)
    {
        await using var insert = new NpgsqlCommand($"""
            INSERT INTO volume (uuid, name, size, storage_pool)
            SELECT md5('volume' || i)::uuid, 'v' || i, 10, md5('pool')::uuid FROM generate_series(0, {Volumes - 1}) AS i
            """, connection);
        await insert.ExecuteNonQueryAsync();
    }

    private static async Task<double> ByHandAsync(string database)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await MakeVolumesAsync(connection);
        await using var insert = new NpgsqlCommand("""
            INSERT INTO extent (storage_pool, disk, range, volume)
            VALUES (md5('pool')::uuid, 'disk', int8range($1, $1 + 10), md5('volume' || $2)::uuid)
            """, connection);
        insert.Parameters.Add(new NpgsqlParameter<long>());
        insert.Parameters.Add(new NpgsqlParameter<int>());
        var start = Stopwatch.GetTimestamp();
        for (var row = 0; row < Volumes;)
        {
            await using var transaction = await connection.BeginTransactionAsync();
            for (var i = 0; i < PerTransaction; i++, row++)
            {
                (insert.Parameters[0].Value, insert.Parameters[1].Value) = (row * 10L, row);
                await insert.ExecuteNonQueryAsync();
            }
            await transaction.CommitAsync();
        }
        return Volumes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> ByControllerAsync(string database)
    {
        var watcher = new Watcher();
        await using var link = await LinkInProcess.StartAsync(database, watcher);
        link.Follow();
        await watcher.Loaded.WaitAsync(Patience);
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await MakeVolumesAsync(connection);
        var start = Stopwatch.GetTimestamp();
        await watcher.AllGiven.WaitAsync(Patience);
        return Volumes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private sealed class Watcher : IControlFeature
    {
        private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Entity _extent = EntityCatalog.Load()["extent"];

        public Task Loaded => _loaded.Task;

        public Task AllGiven => _all.Task;

        public void Settled(ChangeSet changes)
        {
            if (changes.IsReload)
                _loaded.TrySetResult();
            if (changes.After[_extent].Count == Volumes)
                _all.TrySetResult();
        }
    }
}
