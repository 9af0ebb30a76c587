using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace PonyCloud.Sparkle.Database.Schema;

/// <summary>
/// Brings the schema of a database up to the migrations of this binary. Each is applied once, in a transaction of its own,
/// under a lock that keeps several controllers from doing it at the same time. Doing it again does nothing.
/// </summary>
public sealed partial class SchemaMigrator(IReadOnlyList<Migration> migrations, ILogger<SchemaMigrator> logger)
{
    // Any number will do, as long as nothing else locks the same one.
    private const long LockKey = 0x737061726b6c65;

    private const string Bookkeeping = """
        CREATE TABLE IF NOT EXISTS schema_migration (
            version  integer     NOT NULL CONSTRAINT schema_migration_pkey PRIMARY KEY,
            name     text        NOT NULL,
            checksum text        NOT NULL,
            applied  timestamptz NOT NULL DEFAULT now()
        )
        """;

    /// <summary>How long to wait for another controller that is at it, and for each statement.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromMinutes(2);

    /// <summary>Applies what is missing.</summary>
    /// <returns>The versions that were applied now.</returns>
    /// <exception cref="SchemaException">
    /// A migration was changed after it was applied, the database is newer than this binary, or a migration fails.
    /// </exception>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<int>> ApplyAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        var applied = new List<int>();
        while (await ApplyNextAsync(connection, cancellation) is { } version)
            applied.Add(version);
        return applied;
    }

    private async Task<int?> ApplyNextAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ExecuteAsync(connection, $"SET LOCAL lock_timeout = {(long)Timeout.TotalMilliseconds}", cancellation);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({LockKey})", cancellation);
        var isThere = await connection.ExecuteScalarAsync<bool>(
            Command("SELECT to_regclass('public.schema_migration') IS NOT NULL", cancellation));
        if (!isThere)
            await ExecuteAsync(connection, Bookkeeping, cancellation);
        var rows = (await connection.QueryAsync<(int Version, string Name, string Checksum)>(
            Command("SELECT version, name, checksum FROM public.schema_migration ORDER BY version", cancellation))).AsList();
        if (Next(rows) is not { } next)
            return null;
        try
        {
            await ExecuteAsync(connection, next.Sql, cancellation);
        }
        catch (PostgresException e) when (!e.IsTransient)
        {
            throw new SchemaException($"The migration {next.File} fails: {e.MessageText}", e);
        }
        await connection.ExecuteAsync(new CommandDefinition(
            "INSERT INTO public.schema_migration (version, name, checksum) VALUES (@Version, @File, @Checksum)",
            new { next.Version, next.File, next.Checksum }, commandTimeout: Seconds, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        LogApplied(next.File);
        return next.Version;
    }

    private Migration? Next(List<(int Version, string Name, string Checksum)> rows)
    {
        foreach (var (version, name, checksum) in rows)
        {
            if (version > migrations.Count)
                throw new SchemaException($"The database is newer than this binary: it has the migration {name}, which is not known here.");
            var migration = migrations[version - 1];
            if (migration.Checksum != checksum)
                throw new SchemaException($"The migration {migration.File} was changed after it had been applied.");
        }
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i].Version != i + 1)
                throw new SchemaException($"The database has the migration {rows[i].Name}, but not all before it.");
        }
        return rows.Count < migrations.Count ? migrations[rows.Count] : null;
    }

    private static int Seconds => (int)Timeout.TotalSeconds;

    private static CommandDefinition Command(string sql, CancellationToken cancellation) =>
        new(sql, commandTimeout: Seconds, cancellationToken: cancellation);

    private static Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation) =>
        connection.ExecuteAsync(Command(sql, cancellation));

    [LoggerMessage(2001, LogLevel.Information, "Applied the migration {File}.")]
    private partial void LogApplied(string file);
}
