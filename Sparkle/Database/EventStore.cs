using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database.Rows;

namespace PonyCloud.Sparkle.Database;

/// <summary>Where events become rows; the same event again raises the count of the row that is there.</summary>
public interface IEventStore
{
    /// <summary>Writes all events in one transaction, or none. Memory learns of them by the change stream.</summary>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached, or refuses.</exception>
    Task RecordAsync(IReadOnlyList<EventDesired> events, CancellationToken cancellation);
}

/// <inheritdoc/>
public sealed class EventStore(DatabaseConnections connections, TableMaps tables, EntityCatalog catalog, DatabaseOptions options, TimeProvider time)
    : IEventStore
{
    private const string Merge = """
         ON CONFLICT (hash) DO UPDATE SET
            ctime = least(event.ctime, excluded.ctime), mtime = greatest(event.mtime, excluded.mtime),
            count = event.count + excluded.count, type = excluded.type, severity = excluded.severity,
            host = excluded.host, instance = excluded.instance, data = excluded.data
        """;

    public async Task RecordAsync(IReadOnlyList<EventDesired> events, CancellationToken cancellation)
    {
        if (events.Count == 0)
            return;
        var table = tables[catalog["event"]];
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await using var connection = await connections.Pool.OpenConnectionAsync(stop.Token);
            // A batch is one transaction by itself. In the order of the keys, so that two writers never wait for each other.
            await using var batch = new NpgsqlBatch(connection);
            foreach (var one in events.OrderBy(one => one.Hash, StringComparer.Ordinal))
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
