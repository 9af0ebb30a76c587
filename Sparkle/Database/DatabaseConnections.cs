using Npgsql;
using Npgsql.Replication;

namespace PonyCloud.Sparkle.Database;

/// <summary>Makes every connection of the room, all with the session settings that the rows' text form needs.</summary>
public sealed class DatabaseConnections : IAsyncDisposable
{
    private readonly string _replication;
    private readonly string _lease;
    private readonly DatabaseOptions _options;

    /// <exception cref="ArgumentException">The connection string is not one.</exception>
    public DatabaseConnections(string connectionString, DatabaseOptions options)
    {
        _options = options;
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "sparkle",
            // How texts of times read must not hang on a server's or a role's settings.
            Options = "-c datestyle=ISO -c timezone=UTC -c intervalstyle=postgres -c extra_float_digits=1",
            Timeout = Math.Max(1, (int)Math.Ceiling(options.ServerTimeout.TotalSeconds)),
            // A cancelled command ends its connection at once: a server that is frozen would not answer the cancellation either.
            CancellationTimeout = -1,
            Enlist = false,
            IncludeErrorDetail = false,
        };
        Pool = NpgsqlDataSource.Create(settings);
        settings.Pooling = false;
        settings.CommandTimeout = settings.Timeout;
        _lease = settings.ConnectionString;
        // None: a slot waits for open transactions as long as they are open.
        settings.CommandTimeout = 0;
        _replication = settings.ConnectionString;
    }

    /// <summary>Connections for queries and writes.</summary>
    public NpgsqlDataSource Pool { get; }

    /// <summary>A connection for the change stream, not open yet.</summary>
    public LogicalReplicationConnection Replication() => new(_replication)
    {
        WalReceiverTimeout = _options.ServerTimeout,
        WalReceiverStatusInterval = _options.ServerTimeout / 3,
    };

    /// <summary>A session for the lease of the controller, not open yet.</summary>
    public NpgsqlConnection Lease() => new(_lease);

    public ValueTask DisposeAsync() => Pool.DisposeAsync();
}
