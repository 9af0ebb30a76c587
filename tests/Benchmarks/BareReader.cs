using System.Diagnostics;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;

namespace PonyCloud.Benchmarks;

/// <summary>Reads a change stream on a slot of its own, value by value, and does nothing with it.</summary>
internal sealed class BareReader : IAsyncDisposable
{
    private readonly LogicalReplicationConnection _connection;
    private readonly CancellationTokenSource _stop = new();
    private Task _reading = Task.CompletedTask;
    private volatile TaskCompletionSource<long>? _next;

    private BareReader(LogicalReplicationConnection connection) => _connection = connection;

    public static async Task<BareReader> StartAsync(string database)
    {
        var connection = new LogicalReplicationConnection(database + ";Pooling=false");
        await connection.Open();
        var slot = await connection.CreatePgOutputReplicationSlot($"bare_{Guid.NewGuid():N}", temporarySlot: true);
        var reader = new BareReader(connection);
        reader._reading = reader.ReadAsync(slot);
        return reader;
    }

    /// <summary>The time at which the next commit has been read.</summary>
    public Task<long> NextAsync()
    {
        var next = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        _next = next;
        return next.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _connection.DisposeAsync();
        _stop.Dispose();
    }

    private async Task ReadAsync(PgOutputReplicationSlot slot)
    {
        var options = new PgOutputReplicationOptions("sparkle", PgOutputProtocolVersion.V1, binary: false, messages: true);
        await foreach (var message in _connection.StartReplication(slot, options, _stop.Token))
        {
            switch (message)
            {
                case FullUpdateMessage update:
                    await DropAsync(update.OldRow);
                    await DropAsync(update.NewRow);
                    break;
                case CommitMessage commit:
                    var now = Stopwatch.GetTimestamp();
                    _connection.SetReplicationStatus(commit.TransactionEndLsn);
                    _next?.TrySetResult(now);
                    break;
            }
        }
    }

    private async Task DropAsync(ReplicationTuple row)
    {
        await foreach (var value in row.WithCancellation(_stop.Token))
        {
            if (!value.IsDBNull && !value.IsUnchangedToastedValue)
                await value.Get<string>(_stop.Token);
        }
    }
}
