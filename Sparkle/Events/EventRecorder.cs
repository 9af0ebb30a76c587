using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Events;

/// <summary>
/// Writes events to the database, repeats folded into one row. While the database is away they wait here, bounded: the
/// same thing again only raises a count, and beyond the bound the oldest goes.
/// </summary>
public sealed partial class EventRecorder : BackgroundService, IEventSink
{
    private const int MaxWaiting = 10_000;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(10);

    private readonly IEventStore _store;
    private readonly IStateView _view;
    private readonly TimeProvider _time;
    private readonly ILogger<EventRecorder> _logger;
    private readonly Channel<PlatformEvent> _incoming;
    private long _droppedOnTheWay;
    private long _dropped;
    private int _waiting;

    public EventRecorder(IEventStore store, IStateView view, TimeProvider time, ILogger<EventRecorder> logger)
    {
        _store = store;
        _view = view;
        _time = time;
        _logger = logger;
        _incoming = Channel.CreateBounded<PlatformEvent>(
            new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest },
            _ => Interlocked.Increment(ref _droppedOnTheWay));
    }

    /// <summary>How many events are not in the database yet.</summary>
    public int Waiting => _incoming.Reader.Count + Volatile.Read(ref _waiting);

    /// <summary>How many events were dropped since too many waited.</summary>
    public long Dropped => Interlocked.Read(ref _droppedOnTheWay) + Interlocked.Read(ref _dropped);

    public void Record(PlatformEvent platformEvent) => _incoming.Writer.TryWrite(platformEvent);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var waiting = new EventFold(MaxWaiting);
        using var timer = new PeriodicTimer(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                while (_incoming.Reader.TryRead(out var next))
                    waiting.Add(next.ToRow());
                if (waiting.Count > 0 && _view.Database.IsUp)
                    await WriteAsync(waiting, stoppingToken);
                Volatile.Write(ref _waiting, waiting.Count);
                Interlocked.Exchange(ref _dropped, waiting.Dropped);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            if (waiting.Count > 0)
                LogLost(waiting.Count);
        }
    }

    private async Task WriteAsync(EventFold waiting, CancellationToken cancellation)
    {
        var batch = waiting.Take();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(WriteTimeout);
        try
        {
            await _store.RecordAsync(batch, timeout.Token);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            LogNotWritten(batch.Count, e);
            foreach (var row in batch)
                waiting.Add(row);
        }
    }

    [LoggerMessage(1301, LogLevel.Warning, "{Count} events could not be written and wait.")]
    private partial void LogNotWritten(int count, Exception exception);

    [LoggerMessage(1302, LogLevel.Warning, "{Count} events were not written before the end.")]
    private partial void LogLost(int count);
}

/// <summary>Occurrences by what makes them the same, in the order in which they first came.</summary>
/// <param name="bound">How many different events are kept; beyond it the oldest goes.</param>
internal sealed class EventFold(int bound)
{
    private readonly OrderedDictionary<string, EventDesired> _rows = new(StringComparer.Ordinal);

    public int Count => _rows.Count;

    /// <summary>How many were dropped, beyond the bound.</summary>
    public long Dropped { get; private set; }

    public void Add(EventDesired row)
    {
        if (_rows.TryGetValue(row.Hash, out var old))
        {
            var newest = row.Mtime >= old.Mtime ? row : old;
            _rows[row.Hash] = newest with
            {
                Count = old.Count + row.Count,
                Ctime = row.Ctime < old.Ctime ? row.Ctime : old.Ctime,
            };
            return;
        }
        if (_rows.Count == bound)
        {
            _rows.RemoveAt(0);
            Dropped++;
        }
        _rows.Add(row.Hash, row);
    }

    public IReadOnlyList<EventDesired> Take()
    {
        EventDesired[] rows = [.. _rows.Values];
        _rows.Clear();
        return rows;
    }
}
