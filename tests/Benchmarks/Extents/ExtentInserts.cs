using System.Diagnostics;
using Npgsql;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Benchmarks.Extents;

/// <summary>
/// The rows of extents, written to PostgreSQL by one connection, 256 in a transaction: more than that cannot be given.
/// </summary>
internal static class ExtentInserts
{
    private const int PerTransaction = 256;
    private const int Transactions = 16;
    private const int Rows = PerTransaction * Transactions;

    /// <summary>Rows per second.</summary>
    public static async Task<double> RunAsync()
    {
        await using var server = await PostgresServer.StartNewAsync();
        var database = await server.CreateDatabaseAsync();
        await PostgresServer.PsqlAsync(database, $$"""
            INSERT INTO storage_pool (uuid, name, type, config) VALUES (md5('pool')::uuid, 'san', 'shared-lvm', '{"name":"san"}');
            INSERT INTO disk (id, type, targets, storage_pool, size)
            VALUES ('disk', 'iscsi', ARRAY['192.0.2.1:3260/iqn.2001-04.com.example:disk/0'], md5('pool')::uuid, 1000000);
            INSERT INTO volume (uuid, name, size, storage_pool)
            SELECT md5('volume' || i)::uuid, 'v' || i, 10, md5('pool')::uuid FROM generate_series(0, {{Rows - 1}}) AS i;
            """);
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var insert = new NpgsqlCommand("""
            INSERT INTO extent (storage_pool, disk, range, volume)
            VALUES (md5('pool')::uuid, 'disk', int8range($1, $1 + 10), md5('volume' || $2)::uuid)
            """, connection);
        insert.Parameters.Add(new NpgsqlParameter<long>());
        insert.Parameters.Add(new NpgsqlParameter<int>());
        var start = Stopwatch.GetTimestamp();
        for (var row = 0; row < Rows;)
        {
            await using var transaction = await connection.BeginTransactionAsync();
            for (var i = 0; i < PerTransaction; i++, row++)
            {
                (insert.Parameters[0].Value, insert.Parameters[1].Value) = (row * 10L, row);
                await insert.ExecuteNonQueryAsync();
            }
            await transaction.CommitAsync();
        }
        return Rows / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
