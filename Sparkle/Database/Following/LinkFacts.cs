using Dapper;
using Npgsql;
using PonyCloud.Sparkle.Database.Rows;

namespace PonyCloud.Sparkle.Database.Following;

/// <summary>The server as it is set up cannot be followed; somebody has to change that.</summary>
public sealed class DatabaseSetupException(string message) : Exception(message);

/// <summary>Checks at connect that a server can be followed, with an error that says what to change.</summary>
internal static class LinkFacts
{
    public const string Publication = "sparkle";

    private const int OldestMajor = 14;

    private const string Query = """
        SELECT current_setting('server_version_num')::int AS version,
               current_setting('wal_level') AS wallevel,
               pg_is_in_recovery() AS isstandby,
               (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS mayreplicate,
               current_user::text AS role,
               EXISTS (SELECT FROM pg_publication WHERE pubname = @Publication
                       AND pubinsert AND pubupdate AND pubdelete AND pubtruncate) AS haspublication,
               ARRAY(SELECT tablename::text FROM pg_publication_tables
                     WHERE pubname = @Publication AND schemaname = 'public') AS tables
        """;

    /// <exception cref="DatabaseSetupException">The server cannot be followed.</exception>
    public static async Task CheckAsync(NpgsqlConnection connection, TableMaps maps, int seconds, CancellationToken cancellation)
    {
        var facts = await connection.QuerySingleAsync<Facts>(
            new CommandDefinition(Query, new { Publication }, commandTimeout: seconds, cancellationToken: cancellation));
        if (facts.Version / 10000 < OldestMajor)
            throw new DatabaseSetupException($"PostgreSQL {facts.Version / 10000} is too old; {OldestMajor} or newer is needed.");
        if (facts.IsStandby)
            throw new DatabaseSetupException("The server is a standby; the controller needs the primary.");
        if (facts.WalLevel != "logical")
            throw new DatabaseSetupException($"The server has wal_level = {facts.WalLevel}; set it to logical and restart the server.");
        if (!facts.MayReplicate)
            throw new DatabaseSetupException($"The role {facts.Role} lacks the right to replicate: ALTER ROLE \"{facts.Role}\" REPLICATION.");
        if (!facts.HasPublication)
            throw new DatabaseSetupException($"There is no complete publication {Publication}; apply the schema.");
        var missing = maps.InDependencyOrder.Select(map => map.Entity.Name).Except(facts.Tables).ToList();
        if (missing.Count > 0)
            throw new DatabaseSetupException($"The publication {Publication} lacks the tables {string.Join(", ", missing)}.");
    }

    private sealed class Facts
    {
        public required int Version { get; init; }

        public required string WalLevel { get; init; }

        public required bool IsStandby { get; init; }

        public required bool MayReplicate { get; init; }

        public required string Role { get; init; }

        public required bool HasPublication { get; init; }

        public required string[] Tables { get; init; }
    }
}
