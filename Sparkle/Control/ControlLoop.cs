using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Control;

/// <summary>
/// The sole writer of the state. Everything that happens (a commit, a message, time) waits in one queue, and one loop
/// takes it from there. The queue is bounded, so whoever is faster than the loop waits.
/// </summary>
public sealed partial class ControlLoop : BackgroundService, IStateView, IDatabaseSink, IControlQueue, IOrderOverlay
{
    private readonly TurnQueue _queue;
    private readonly Lazy<Controller> _controller;
    private readonly IMessageTransport _transport;
    private readonly TimeProvider _time;
    private readonly ControlOptions _options;
    private readonly ILogger<ControlLoop> _logger;
    private volatile DatabaseLink _database;
    private long _loads;

    public ControlLoop(
        EntityCatalog catalog,
        Func<IEnumerable<IControlFeature>> features,
        IMessageTransport transport,
        ControlOptions options,
        TimeProvider time,
        ILogger<ControlLoop> logger)
    {
        // Features may ask for this loop in their constructors, so they are made when the loop starts.
        _controller = new Lazy<Controller>(() => new Controller(catalog, features()));
        _transport = transport;
        _time = time;
        _options = options;
        _logger = logger;
        _database = new DatabaseLink(false, time.GetUtcNow(), "not loaded yet");
        _queue = new TurnQueue(time);
    }

    public StateSnapshot? Snapshot => _controller.Value.Published;

    public DatabaseLink Database => _database;

    public long? Epoch => _controller.Value.Epoch;

    /// <summary>How often the state was loaded from the database as a whole: once at the start, then after each outage.</summary>
    public long Loads => Interlocked.Read(ref _loads);

    /// <inheritdoc cref="TurnQueue.SinceLastTurn"/>
    public TimeSpan SinceLastTurn => _queue.SinceLastTurn;

    /// <inheritdoc cref="TurnQueue.Waiting"/>
    public int Waiting => _queue.Waiting;

    /// <inheritdoc cref="TurnQueue.Turns"/>
    public long Turns => _queue.Turns;

    /// <inheritdoc cref="TurnQueue.Busy"/>
    public TimeSpan Busy => _queue.Busy;

    public Task LoadedAsync(IReadOnlyList<RowChange> rows, long epoch, CancellationToken cancellation) => RunAsync(
        () =>
        {
            // First, since whoever sees the rows may write at once.
            _database = new DatabaseLink(true, _time.GetUtcNow());
            _controller.Value.Load(rows, epoch);
            Interlocked.Increment(ref _loads);
            LogLoaded(rows.Count);
        },
        cancellation);

    public Task CommittedAsync(IReadOnlyList<DatabaseChange> changes, CancellationToken cancellation) =>
        RunAsync(() => _controller.Value.Commit(changes), cancellation);

    public Task EpochChangedAsync(long? epoch, CancellationToken cancellation) =>
        RunAsync(() => _controller.Value.SetEpoch(epoch), cancellation);

    public Task PutAsync(IReadOnlyList<LetGoOrder> orders, CancellationToken cancellation) =>
        RunAsync(() => _controller.Value.Put(orders), cancellation);

    public Task WithdrawAsync(LetGoOrder order, object row, CancellationToken cancellation) =>
        RunAsync(() => _controller.Value.Withdraw(order, row), cancellation);

    public Task SettleAsync(LetGoOrder order, CancellationToken cancellation) =>
        RunAsync(() => _controller.Value.Settle(order), cancellation);

    public Task LostAsync(string why, CancellationToken cancellation)
    {
        // Writers must learn at once, not when the queue has come to it.
        if (_database.IsUp)
            LogDatabaseLost(why);
        _database = _database.IsUp ? new DatabaseLink(false, _time.GetUtcNow(), why) : _database with { Why = why };
        return Task.CompletedTask;
    }

    public void Post(Action action) => _queue.Add(action);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await TaskGroup.RunAsync(stoppingToken, _queue.RunAsync, ReceiveAsync, TickAsync);
        }
        catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            // A broken invariant: state in memory can no longer be trusted. The host stops with it, and a restart builds it anew.
            LogBroken(e);
            throw;
        }
    }

    private async Task ReceiveAsync(CancellationToken cancellation)
    {
        await foreach (var transportEvent in _transport.Events.ReadAllAsync(cancellation))
            await _queue.AddAsync(() => _controller.Value.Receive(transportEvent), cancellation);
    }

    private async Task TickAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(_options.Tick, _time);
        while (await timer.WaitForNextTickAsync(cancellation))
            await _queue.AddAsync(() => _controller.Value.Tick(_time.GetElapsedTime(0)), cancellation);
    }

    private async Task RunAsync(Action action, CancellationToken cancellation)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _queue.AddAsync(
            () =>
            {
                action();
                done.SetResult();
            },
            cancellation);
        await done.Task.WaitAsync(cancellation);
    }

    [LoggerMessage(1001, LogLevel.Information, "The state was loaded from the database: {Rows} rows.")]
    private partial void LogLoaded(int rows);

    [LoggerMessage(1002, LogLevel.Warning, "The database is away, going on from memory: {Why}")]
    private partial void LogDatabaseLost(string why);

    [LoggerMessage(1003, LogLevel.Critical, "The control loop broke and cannot go on.")]
    private partial void LogBroken(Exception exception);
}
