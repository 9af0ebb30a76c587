using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database.Embedded;
using PonyCloud.Sparkle.Database.Following;
using PonyCloud.Sparkle.Database.Leading;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.Sparkle.Database.Schema;
using PonyCloud.Sparkle.Database.Writing;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Database;

/// <summary>The room's one line in the program.</summary>
public static class DatabaseRegistration
{
    /// <summary>
    /// Adds the link to the database: <see cref="IDesiredStateWriter"/>, <see cref="IEventStore"/>,
    /// <see cref="IEpochAuthority"/>, <see cref="IOrderStore"/> and the service that keeps the registered
    /// <see cref="IDatabaseSink"/> in step. Needs an <see cref="IWaitingOrders"/> among the services.
    /// </summary>
    /// <exception cref="ArgumentException">The options name no database, or two.</exception>
    public static IServiceCollection AddDatabase(this IServiceCollection services, DatabaseOptions options)
    {
        var connectionString = ConnectionStringOf(options);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(_ => EntityCatalog.Load());
        services.AddSingleton(options);
        services.AddSingleton(_ => new DatabaseConnections(connectionString, options));
        services.AddSingleton<TableMaps>();
        services.AddSingleton<CommitTracker>();
        services.AddSingleton(provider => new ConstraintCatalog(provider.GetRequiredService<DatabaseConnections>().Pool));
        services.AddSingleton(provider => new SchemaMigrator(Migration.Embedded(), provider.GetRequiredService<ILogger<SchemaMigrator>>()));
        services.AddSingleton<ControllerLease>();
        services.AddSingleton<IEpochAuthority>(provider => provider.GetRequiredService<ControllerLease>());
        services.AddSingleton<ChangeStream>();
        services.AddSingleton<RequestLedger>();
        services.AddSingleton<DesiredStateWriter>();
        services.AddSingleton<IDesiredStateWriter>(provider => provider.GetRequiredService<DesiredStateWriter>());
        services.AddSingleton<IRequestLedger>(provider => provider.GetRequiredService<DesiredStateWriter>());
        services.AddHostedService<RequestSweeper>();
        services.AddSingleton<IEventStore, EventStore>();
        services.AddSingleton<IOrderStore, OrderStore>();
        services.AddSingleton<IRetentionStore, RetentionStore>();
        if (options.Embedded is { } embedded)
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<EmbeddedPostgres>(provider, embedded));
        services.AddHostedService<DatabaseService>();
        return services;
    }

    /// <summary>Brings the schema up to this binary and ends; an embedded server is up for that time only, unless it ran already.</summary>
    /// <returns>The versions that were applied now.</returns>
    /// <exception cref="SchemaException">The schema and this binary do not go together.</exception>
    /// <exception cref="EmbeddedPostgresException">The embedded server cannot be started or stopped.</exception>
    /// <exception cref="Npgsql.NpgsqlException">The database cannot be reached.</exception>
    public static async Task<IReadOnlyList<int>> ApplySchemaAsync(
        DatabaseOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellation)
    {
        await using var connections = new DatabaseConnections(ConnectionStringOf(options), options);
        var migrator = new SchemaMigrator(Migration.Embedded(), loggers.CreateLogger<SchemaMigrator>());
        if (options.Embedded is not { } settings)
            return await migrator.ApplyAsync(connections.Pool, cancellation);
        var embedded = new EmbeddedPostgres(settings, time, loggers.CreateLogger<EmbeddedPostgres>());
        var ranAlready = embedded.ProcessId is not null;
        await embedded.StartAsync(cancellation);
        try
        {
            return await migrator.ApplyAsync(connections.Pool, cancellation);
        }
        finally
        {
            if (!ranAlready)
                await embedded.StopAsync(CancellationToken.None);
        }
    }

    private static string ConnectionStringOf(DatabaseOptions options) => (options.ConnectionString, options.Embedded) switch
    {
        ({ } given, null) => given,
        (null, { } embedded) => new ClusterLayout(embedded).ConnectionString(),
        (null, null) => throw new ArgumentException("Name a connection string or an embedded data directory.", nameof(options)),
        _ => throw new ArgumentException("Name either a connection string or an embedded data directory, not both.", nameof(options)),
    };
}
