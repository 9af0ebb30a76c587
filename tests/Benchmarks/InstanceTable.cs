using System.Globalization;
using Npgsql;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Benchmarks;

/// <summary>A database full of stopped instances, 50 of each tenant.</summary>
internal static class InstanceTable
{
    private const int PerTenant = 50;

    /// <returns>The database.</returns>
    public static async Task<string> MakeAsync(PostgresServer server, int instances)
    {
        var database = await server.CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database + ";Pooling=false");
        // Without the checks of references: they would take most of the time.
        await using var insert = source.CreateCommand(string.Create(CultureInfo.InvariantCulture, $"""
            SET session_replication_role = replica;
            INSERT INTO tenant (uuid, name, approved)
            SELECT md5('tenant' || i)::uuid, 'tenant-' || i, true FROM generate_series(0, {(instances - 1) / PerTenant}) AS i;
            INSERT INTO instance (uuid, tenant, name, vcpu, rcpu, mem)
            SELECT md5('instance' || i)::uuid, md5('tenant' || i / {PerTenant})::uuid, 'web-server-' || i, 4, 1, 8192
            FROM generate_series(0, {instances - 1}) AS i;
            ANALYZE;
            """));
        insert.CommandTimeout = 600;
        await insert.ExecuteNonQueryAsync();
        return database;
    }
}
