using Npgsql;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Database.Rows;

/// <summary>The statements by which a row is changed on condition of what it is.</summary>
internal static class RowStatements
{
    /// <summary>Reads a row and keeps it locked to the end of the transaction; null where there is none.</summary>
    /// <param name="changesKey">A row whose key stays may be referred to by others meanwhile.</param>
    public static async Task<object?> LockAsync(
        NpgsqlConnection connection, TableMap table, RowKey key, bool changesKey, CancellationToken cancellation)
    {
        var strength = changesKey ? "UPDATE" : "NO KEY UPDATE";
        await using var command = new NpgsqlCommand($"{table.Select} WHERE {table.KeyCondition} FOR {strength}", connection);
        command.Parameters.AddRange(TableMap.KeyParameters(key).ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? table.Record(new RowTexts([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : reader.GetString(i))]))
            : null;
    }

    /// <summary>Writes some columns of a record to the row with the key.</summary>
    public static async Task UpdateAsync(
        NpgsqlConnection connection, TableMap table, RowKey key, IReadOnlyList<Column> columns, object record, CancellationToken cancellation)
    {
        var keys = TableMap.KeyParameters(key).ToList();
        var set = columns.Select((column, i) => $"{TableMap.Quote(column.Name)} = {TableMap.Value(column, keys.Count + i + 1)}");
        await using var command = new NpgsqlCommand($"UPDATE {table.Table} SET {string.Join(", ", set)} WHERE {table.KeyCondition}", connection);
        command.Parameters.AddRange(keys.Concat(columns.Select(column => TableMap.Parameter(PostgresText.Format(column, column.Get(record))))).ToArray());
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
