using Npgsql;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Database;

/// <summary>Removes old rows from their tables. Memory learns of it by the change stream.</summary>
public sealed class RetentionStore(DatabaseConnections connections, DatabaseOptions options, TimeProvider time) : IRetentionStore
{
    private const string OldEvents =
        "DELETE FROM public.event WHERE hash IN (SELECT hash FROM public.event WHERE mtime < $1 ORDER BY mtime LIMIT $2)";

    private const string TooManyEvents = """
        DELETE FROM public.event WHERE hash IN (
            SELECT hash FROM public.event ORDER BY mtime, hash
            LIMIT least($2, greatest(0, (SELECT count(*) FROM public.event) - $1)))
        """;

    private const string EndedMetering =
        "DELETE FROM public.metering WHERE uuid IN (SELECT uuid FROM public.metering WHERE \"end\" < $1 ORDER BY \"end\" LIMIT $2)";

    private const string EndedEnrolments =
        "DELETE FROM public.enrolment WHERE hash IN (SELECT hash FROM public.enrolment WHERE expires < $1 LIMIT $2)";

    private const string WrittenOrders =
        "DELETE FROM public.written_order WHERE id IN (SELECT id FROM public.written_order WHERE written < $1 LIMIT $2)";

    public async Task<int> SweepAsync(RetentionOptions retention, DateTimeOffset now, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            return await DeleteAsync(OldEvents, new NpgsqlParameter<DateTimeOffset> { TypedValue = now - retention.EventAge }, retention.Batch, stop.Token)
                + await DeleteAsync(TooManyEvents, new NpgsqlParameter<long> { TypedValue = retention.Events }, retention.Batch, stop.Token)
                + await DeleteAsync(
                    EndedMetering, new NpgsqlParameter<DateTimeOffset> { TypedValue = now - retention.MeteringAge }, retention.Batch, stop.Token)
                + await DeleteAsync(
                    EndedEnrolments, new NpgsqlParameter<DateTimeOffset> { TypedValue = now - retention.EndedEnrolmentAge }, retention.Batch, stop.Token)
                + await DeleteAsync(
                    WrittenOrders, new NpgsqlParameter<DateTimeOffset> { TypedValue = now - retention.WrittenOrderAge }, retention.Batch, stop.Token);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new DatabaseUnavailableException("The database did not remove old rows.", e);
        }
    }

    private async Task<int> DeleteAsync(string sql, NpgsqlParameter limit, int batch, CancellationToken stop)
    {
        await using var command = connections.Pool.CreateCommand(sql);
        command.Parameters.Add(limit);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = batch });
        return await command.ExecuteNonQueryAsync(stop);
    }
}
