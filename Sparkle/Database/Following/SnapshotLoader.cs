using System.Data;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database.Rows;

namespace PonyCloud.Sparkle.Database.Following;

/// <summary>Reads all rows of all stored entities as one committed state.</summary>
internal sealed class SnapshotLoader(DatabaseConnections connections, TableMaps tables, DatabaseOptions options)
{
    /// <param name="exported">A snapshot that another session exported; null for one of its own.</param>
    /// <returns>The rows, and which transactions they include. All of it is durable.</returns>
    public async Task<(IReadOnlyList<RowChange> Rows, PostgresSnapshot Snapshot)> LoadAsync(string? exported, CancellationToken cancellation)
    {
        await using var connection = await connections.Pool.OpenConnectionAsync(cancellation);
        var rows = new List<RowChange>();
        PostgresSnapshot snapshot;
        await using (var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation))
        {
            if (exported is not null)
            {
                await using var adopt = Command($"SET TRANSACTION SNAPSHOT '{exported}'", connection);
                await adopt.ExecuteNonQueryAsync(cancellation);
            }
            snapshot = await SnapshotAsync(connection, cancellation);
            foreach (var table in tables.InDependencyOrder)
                await LoadAsync(table, connection, rows, cancellation);
            await transaction.CommitAsync(cancellation);
        }
        // Another session's commit with synchronous_commit = off is seen before it is durable. A commit that is flushed
        // flushes everything before it, and memory must never be ahead of what survives a crash.
        await using var flush = Command(
            "SET synchronous_commit = local; SELECT pg_logical_emit_message(true, 'sparkle-flush', ''); RESET synchronous_commit", connection);
        await flush.ExecuteNonQueryAsync(cancellation);
        return (rows, snapshot);
    }

    /// <summary>Which transactions have ended by now.</summary>
    public async Task<PostgresSnapshot> SnapshotAsync(CancellationToken cancellation)
    {
        await using var connection = await connections.Pool.OpenConnectionAsync(cancellation);
        return await SnapshotAsync(connection, cancellation);
    }

    private async Task<PostgresSnapshot> SnapshotAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = Command("SELECT pg_current_snapshot()::text", connection);
        return PostgresSnapshot.Parse((string)(await command.ExecuteScalarAsync(cancellation))!);
    }

    private async Task LoadAsync(TableMap table, NpgsqlConnection connection, List<RowChange> rows, CancellationToken cancellation)
    {
        using var reader = await connection.BeginTextExportAsync(table.CopyOut, cancellation);
        var copied = new CopiedRows(((StreamReader)reader).BaseStream, table.Part.Columns.Count);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        while (true)
        {
            deadline.CancelAfter(options.LoadTimeout);
            if (!await copied.WaitAsync(deadline.Token))
                return;
            while (copied.Next())
                rows.Add(RowChange.Set(table.Entity, RowPart.Desired, table.Record(copied)));
        }
    }

    // The timeout counts anew with every answer of the server, so a long load is fine and a dead server is noticed.
    private NpgsqlCommand Command(string sql, NpgsqlConnection connection) =>
        new(sql, connection) { CommandTimeout = Math.Max(1, (int)options.LoadTimeout.TotalSeconds) };
}
