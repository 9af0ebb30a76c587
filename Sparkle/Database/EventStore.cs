using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Database;

/// <summary>
/// Writes events straight to their table, all in one transaction or none: an event that is there already counts up. Memory
/// learns of it by the change stream.
/// </summary>
public sealed class EventStore(DatabaseConnections connections, TableMaps tables, EntityCatalog catalog, DatabaseOptions options, TimeProvider time)
    : IEventStore
{
    private const string Merge = """
         ON CONFLICT (hash) DO UPDATE SET
            ctime = least(event.ctime, excluded.ctime), mtime = greatest(event.mtime, excluded.mtime),
            count = event.count + excluded.count, type = excluded.type, host = excluded.host, instance = excluded.instance,
            severity = CASE WHEN excluded.mtime >= event.mtime THEN excluded.severity ELSE event.severity END,
            data = CASE WHEN excluded.mtime >= event.mtime THEN excluded.data ELSE event.data END
        """;

    public async Task RecordAsync(IReadOnlyList<EventDesired> occurrences, CancellationToken cancellation)
    {
        if (occurrences.Count == 0)
            return;
        var table = tables[catalog["event"]];
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await using var connection = await connections.Pool.OpenConnectionAsync(stop.Token);
            // A batch is one transaction by itself. In the order of the keys, so that two writers never wait for each other.
            await using var batch = new NpgsqlBatch(connection);
            foreach (var one in occurrences.OrderBy(one => one.Hash, StringComparer.Ordinal))
            {
                var command = new NpgsqlBatchCommand(table.Insert + Merge);
                foreach (var parameter in table.Parameters(one))
                    command.Parameters.Add(parameter);
                batch.BatchCommands.Add(command);
            }
            await batch.ExecuteNonQueryAsync(stop.Token);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new DatabaseUnavailableException("The database did not take the events.", e);
        }
    }
}
