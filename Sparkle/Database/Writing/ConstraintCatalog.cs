using System.Collections.Frozen;
using Npgsql;

namespace PonyCloud.Sparkle.Database.Writing;

/// <summary>One constraint of the schema.</summary>
/// <param name="Name">Its stable name.</param>
/// <param name="Table">The table that it stands on.</param>
/// <param name="Columns">The columns there that it is about.</param>
/// <param name="ReferencedTable">For a foreign key, the table that it points at.</param>
/// <param name="ReferencedColumns">And the columns there.</param>
/// <param name="Message">What a user reads when it is broken; null when it has no comment.</param>
public sealed record ConstraintFacts(
    string Name, string Table, IReadOnlyList<string> Columns, string? ReferencedTable, IReadOnlyList<string> ReferencedColumns, string? Message);

/// <summary>The constraints as the database itself describes them, read when one is broken that is not known yet.</summary>
public sealed class ConstraintCatalog(NpgsqlDataSource source)
{
    private const string Query = """
        SELECT c.conname, t.relname,
               ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (number, place)
                     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number ORDER BY k.place),
               r.relname,
               ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY AS k (number, place)
                     JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number ORDER BY k.place),
               obj_description(c.oid, 'pg_constraint')
        FROM pg_constraint c
        JOIN pg_class t ON t.oid = c.conrelid
        LEFT JOIN pg_class r ON r.oid = c.confrelid
        WHERE c.connamespace = 'public'::regnamespace
        """;

    private volatile FrozenDictionary<(string Table, string Name), ConstraintFacts>? _known;

    /// <summary>The schema may have changed: read it again when it is asked for next.</summary>
    public void Forget() => _known = null;

    /// <summary>The constraint, or null when the schema has none of this name.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<ConstraintFacts?> FindAsync(string table, string name, CancellationToken cancellation)
    {
        if (_known?.GetValueOrDefault((table, name)) is { } known)
            return known;
        var read = await ReadAsync(cancellation);
        _known = read;
        return read.GetValueOrDefault((table, name));
    }

    private async Task<FrozenDictionary<(string, string), ConstraintFacts>> ReadAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Query);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var all = new Dictionary<(string, string), ConstraintFacts>();
        while (await reader.ReadAsync(cancellation))
        {
            var facts = new ConstraintFacts(
                reader.GetString(0),
                reader.GetString(1),
                reader.GetFieldValue<string[]>(2),
                await reader.IsDBNullAsync(3, cancellation) ? null : reader.GetString(3),
                reader.GetFieldValue<string[]>(4),
                await reader.IsDBNullAsync(5, cancellation) ? null : reader.GetString(5));
            all[(facts.Table, facts.Name)] = facts;
        }
        return all.ToFrozenDictionary();
    }
}
