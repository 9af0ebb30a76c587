using System.Collections.Concurrent;
using Dapper;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Database.Following;
using PonyCloud.Sparkle.Database.Leading;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.Sparkle.Database.Schema;
using PonyCloud.Sparkle.Database.Writing;
using PonyCloud.Sparkle.Events;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Database.Tests;

/// <summary>The whole room on one database, as the controller puts it together.</summary>
internal sealed class Link : IAsyncDisposable, IEventSink, IWaitingOrders
{
    public static readonly EntityCatalog Catalog = EntityCatalog.Load();

    // Patient where the server is well: the machine that runs the tests may be busy.
    public static readonly DatabaseOptions Patient = new()
    {
        ReachTimeout = TimeSpan.FromSeconds(10),
        WriteTimeout = TimeSpan.FromSeconds(30),
        VisibilityTimeout = TimeSpan.FromSeconds(30),
        CommitDecisionTimeout = TimeSpan.FromSeconds(30),
        RetryMaximum = TimeSpan.FromSeconds(1),
    };

    private readonly CancellationTokenSource _stop = new();
    private readonly DatabaseConnections _connections;
    private readonly CommitTracker _tracker = new();
    private Task _running = Task.CompletedTask;

    private Link(string connectionString, DatabaseOptions options, string? writeThrough, TimeProvider time)
    {
        ConnectionString = connectionString;
        _connections = new DatabaseConnections(connectionString, options);
        var tables = new TableMaps(Catalog);
        var constraints = new ConstraintCatalog(_connections.Pool);
        Lease = new ControllerLease(_connections, State, this, options, time, new TestLog<ControllerLease>());
        Stream = new ChangeStream(
            _connections, tables, State, _tracker, constraints, new SchemaMigrator(Migration.Embedded(), new TestLog<SchemaMigrator>()),
            Lease, this, options, time, new TestLog<ChangeStream>());
        Orders = new OrderStore(_connections, tables, constraints, options, time);
        WriteConnections = writeThrough is null ? _connections : new DatabaseConnections(writeThrough, options);
        Requests = new RequestLedger(WriteConnections, _tracker, options, time, new TestLog<RequestLedger>());
        Writer = new DesiredStateWriter(
            WriteConnections, tables, _tracker, constraints, Requests, options, time, new TestLog<DesiredStateWriter>());
        Events = new EventStore(_connections, tables, Catalog, options, time);
        State.OnLoaded = () => WhyNoWritesAtLoad = _tracker.Down;
    }

    /// <summary>Why writes were refused at the moment at which the last load showed; null when they were not.</summary>
    public string? WhyNoWritesAtLoad { get; private set; } = "nothing was loaded";

    public string ConnectionString { get; }

    public FollowedState State { get; } = new();

    public ChangeStream Stream { get; }

    public ControllerLease Lease { get; }

    /// <summary>What was recorded of the link itself.</summary>
    public ConcurrentQueue<PlatformEvent> Recorded { get; } = [];

    public DesiredStateWriter Writer { get; }

    public RequestLedger Requests { get; }

    public EventStore Events { get; }

    public OrderStore Orders { get; }

    /// <summary>Is done before every load.</summary>
    public Func<Task> BeforeLoad { get; set; } = () => Task.CompletedTask;

    public RetentionStore Retention => new(_connections, Patient, TimeProvider.System);

    private DatabaseConnections WriteConnections { get; }

    /// <summary>Starts following and waits for the first load.</summary>
    /// <param name="writeThrough">Another way to the same database for the writer, such as a proxy.</param>
    public static async Task<Link> OpenAsync(string connectionString, DatabaseOptions? options = null, string? writeThrough = null)
    {
        var link = Start(connectionString, options, writeThrough);
        await link.State.WaitForAsync(state => state.IsUp, "the database is loaded");
        return link;
    }

    /// <param name="time">What the link waits with; one that stands still makes it a process that is frozen.</param>
    public static Link Start(
        string connectionString, DatabaseOptions? options = null, string? writeThrough = null, TimeProvider? time = null)
    {
        var link = new Link(connectionString, options ?? Patient, writeThrough, time ?? TimeProvider.System);
        link._running = link.Stream.RunAsync(link._stop.Token);
        return link;
    }

    public Task InsertAsync(params (string Entity, object Record)[] rows) => Writer.WriteAsync(
        [.. rows.Select(row => new RowWrite.Insert(Catalog[row.Entity], row.Record))], CancellationToken.None);

    public Task UpdateAsync(string entity, object expected, object record) => Writer.WriteAsync(
        [new RowWrite.Update(Catalog[entity], Catalog[entity].KeyOf(RowPart.Desired, expected), expected, record)], CancellationToken.None);

    public Task DeleteAsync(string entity, RowKey key) =>
        Writer.WriteAsync([new RowWrite.Delete(Catalog[entity], key)], CancellationToken.None);

    /// <summary>SQL beside the writer, as any other client would send it.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync();
    }

    Task IWaitingOrders.WriteAllAsync(CancellationToken cancellation) => BeforeLoad();

    /// <summary>The one value of a query beside the writer.</summary>
    public async Task<T?> QueryAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        return await connection.ExecuteScalarAsync<T>(sql);
    }

    void IEventSink.Record(PlatformEvent platformEvent) => Recorded.Enqueue(platformEvent);

    /// <summary>Ends the link, so that another can be the active one; what was followed stays readable.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        await _running;
        await _connections.DisposeAsync();
        if (WriteConnections != _connections)
            await WriteConnections.DisposeAsync();
        _stop.Dispose();
    }
}
