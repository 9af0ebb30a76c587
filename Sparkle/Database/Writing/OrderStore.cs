using System.Globalization;
using System.Net.Sockets;
using Npgsql;
using NpgsqlTypes;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Database.Writing;

/// <summary>
/// Carries out orders that had waited, each in a transaction of its own that also writes down the order's id. So whatever
/// is lost on the way, trying again does nothing twice, and no lost answer needs to be decided.
/// </summary>
public sealed class OrderStore(
    DatabaseConnections connections, TableMaps tables, ConstraintCatalog constraints, DatabaseOptions options, TimeProvider time) : IOrderStore
{
    public async Task<OrderOutcome> WriteAsync(LetGoOrder order, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            return await WriteOnceAsync(order, stop.Token);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected)
        {
            return new OrderOutcome.Held(e.MessageText);
        }
        catch (Exception e) when (IsFailure(e, cancellation))
        {
            throw new DatabaseUnavailableException("The database failed while a waiting order was written.", e);
        }
    }

    public async Task KeepAsync(JournaledRequest request, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await using var connection = await OpenAsync(stop.Token);
            await using var transaction = await connection.BeginTransactionAsync(stop.Token);
            await PrepareAsync(connection, stop.Token);
            // What is there already is of a commit whose answer was lost, and as good.
            await RequestLedger.KeepAsync(connection, request.Key, request.Answer, stop.Token);
            await transaction.CommitAsync(stop.Token);
        }
        catch (Exception e) when (IsFailure(e, cancellation))
        {
            throw new DatabaseUnavailableException("The database failed while a journaled request was kept.", e);
        }
    }

    public async Task ForgetAsync(IReadOnlyList<Guid> orders, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.WriteTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await using var command = connections.Pool.CreateCommand("DELETE FROM public.written_order WHERE id = ANY ($1)");
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. orders] });
            await command.ExecuteNonQueryAsync(stop.Token);
        }
        catch (Exception e) when (IsFailure(e, cancellation))
        {
            throw new DatabaseUnavailableException("The database failed while written orders were forgotten.", e);
        }
    }

    private async Task<OrderOutcome> WriteOnceAsync(LetGoOrder order, CancellationToken stop)
    {
        await using var connection = await OpenAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await PrepareAsync(connection, stop);
        var table = tables[order.Entity];
        var found = await RowStatements.LockAsync(connection, table, order.Key, changesKey: false, stop);
        if (found is null)
            return new OrderOutcome.Moot();
        // Under the lock of the row, since the id may come with it.
        if (!table.Difference(found, order.Record).Any() || await IsWrittenAsync(connection, order.Id, stop))
            return new OrderOutcome.Done();
        if (!order.Expected.Any(expected => !table.Difference(found, expected).Any()))
            return new OrderOutcome.Overtaken(found);
        try
        {
            await RowStatements.UpdateAsync(connection, table, order.Key, [.. table.Difference(found, order.Record)], order.Record, stop);
            await MarkAsync(connection, order.Id, stop);
            // Nothing is sent any more once the time is over: the order may be tried again by then, and forgotten.
            stop.ThrowIfCancellationRequested();
            await transaction.CommitAsync(stop);
            return new OrderOutcome.Done();
        }
        catch (PostgresException e) when (RefusalReader.IsRefusal(e))
        {
            // The transaction still holds its locks; give them up before asking for the rule's description.
            await connection.CloseAsync();
            var refusal = await RefusalReader.ReadAsync(e, new RowWrite.Update(order.Entity, order.Key, found, order.Record), 0, constraints, stop);
            return new OrderOutcome.Refused(found, refusal.Constraint);
        }
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken stop)
    {
        var connection = await connections.Pool.OpenConnectionAsync(stop);
        try
        {
            // One of the pool may be left over from before the outage.
            await using var probe = new NpgsqlCommand("SELECT 1", connection);
            await probe.ExecuteNonQueryAsync(stop);
            return connection;
        }
        catch (Exception e) when (IsFailure(e, stop))
        {
            NpgsqlConnection.ClearPool(connection);
            await connection.DisposeAsync();
            return await connections.Pool.OpenConnectionAsync(stop);
        }
    }

    private async Task PrepareAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT set_config('lock_timeout', $1, true),
                   set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)
            """, connection);
        command.Parameters.Add(TableMap.Parameter(
            string.Create(CultureInfo.InvariantCulture, $"{(long)options.LockTimeout.TotalMilliseconds}ms")));
        await command.ExecuteNonQueryAsync(stop);
    }

    private static async Task<bool> IsWrittenAsync(NpgsqlConnection connection, Guid order, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT FROM public.written_order WHERE id = $1)", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = order, NpgsqlDbType = NpgsqlDbType.Uuid });
        return (bool)(await command.ExecuteScalarAsync(stop))!;
    }

    private async Task MarkAsync(NpgsqlConnection connection, Guid order, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand("INSERT INTO public.written_order (id, written) VALUES ($1, $2)", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = order, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = time.GetUtcNow() });
        await command.ExecuteNonQueryAsync(stop);
    }

    private static bool IsFailure(Exception e, CancellationToken cancellation) =>
        e is NpgsqlException or IOException or SocketException or TimeoutException or ObjectDisposedException
        || (e is OperationCanceledException && !cancellation.IsCancellationRequested);
}
