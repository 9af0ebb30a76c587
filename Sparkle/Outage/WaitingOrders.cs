using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Outage;

/// <summary>
/// Brings the orders of the journal to the database: all of them before anything is loaded, and what is left, or came by a
/// write that failed, while the link is up.
/// </summary>
public sealed partial class WaitingOrders(
    LetGoDesk desk, IOrderStore store, IEventStore events, IOrderOverlay overlay, IStateView view, LetGoOptions options, TimeProvider time,
    ILogger<WaitingOrders> logger) : BackgroundService, IWaitingOrders
{
    // Each row that others hold costs the time of a lock, and the load waits.
    private const int MaxHeld = 3;

    private readonly SemaphoreSlim _pass = new(1);

    // Orders that the database knows and the disk has not forgotten yet.
    private readonly List<Guid> _finished = [];

    // Whether there are requests of that kind.
    private bool _hasKept;

    public async Task WriteAllAsync(CancellationToken cancellation)
    {
        await _pass.WaitAsync(cancellation);
        try
        {
            // First: that the orders behind them are carried out is what the journal sees to.
            foreach (var request in await desk.RequestsAsync(cancellation))
                await KeepAsync(request, cancellation);
            var tried = new HashSet<Guid>();
            var held = 0;
            // An order that comes meanwhile is written in the same pass.
            while (held < MaxHeld && (await desk.WaitingAsync(cancellation)).FirstOrDefault(order => !tried.Contains(order.Id)) is { } next)
            {
                tried.Add(next.Id);
                if (!await WriteAsync(next, cancellation))
                    held++;
            }
            foreach (var left in await desk.WaitingAsync(cancellation))
                await overlay.PutAsync([left], cancellation);
            await ForgetAsync(cancellation);
        }
        finally
        {
            _pass.Release();
        }
    }

    public override void Dispose()
    {
        _pass.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                // While the link is down, whoever brings it up writes them first.
                if (view.Database.IsUp && await IsAnythingLeftAsync(stoppingToken))
                    await TryAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            LogStopping();
        }
    }

    private async Task<bool> IsAnythingLeftAsync(CancellationToken cancellation) =>
        _finished.Count > 0 || _hasKept
        || (await desk.WaitingAsync(cancellation)).Count > 0 || (await desk.RequestsAsync(cancellation)).Count > 0;

    private async Task TryAsync(CancellationToken cancellation)
    {
        try
        {
            await WriteAllAsync(cancellation);
        }
        catch (DatabaseUnavailableException e)
        {
            LogNotWritten(e);
        }
    }

    private async Task KeepAsync(JournaledRequest request, CancellationToken cancellation)
    {
        try
        {
            await InTimeAsync(DoneAsync(store.KeepAsync(request, cancellation)), cancellation);
        }
        catch (RequestUnderWayException e)
        {
            LogNotKept(e);
            return;
        }
        await desk.FinishAsync(request, cancellation);
        _hasKept = true;
    }

    /// <returns>False when others hold the row.</returns>
    private async Task<bool> WriteAsync(LetGoOrder order, CancellationToken cancellation)
    {
        if (!await desk.BeginAsync(order, cancellation))
            return true;
        var outcome = await InTimeAsync(store.WriteAsync(order, cancellation), cancellation);
        switch (outcome)
        {
            case OrderOutcome.Held(var why):
                LogHeld(order.Entity.Name, order.Key, why);
                return false;
            case OrderOutcome.Overtaken(var found):
                LogOvertaken(order.Entity.Name, order.Key, Uri.EscapeDataString(order.User));
                await TellAsync("order-overtaken", order, found, null, cancellation);
                break;
            case OrderOutcome.Refused(var found, var constraint):
                LogRefused(order.Entity.Name, order.Key, Uri.EscapeDataString(order.User), constraint);
                await TellAsync("order-refused", order, found, constraint, cancellation);
                await overlay.WithdrawAsync(order, found, cancellation);
                break;
            case OrderOutcome.Moot:
                LogMoot(order.Entity.Name, order.Key);
                break;
            case OrderOutcome.Done:
                LogWritten(order.Entity.Name, order.Key);
                break;
        }
        await overlay.SettleAsync(order, cancellation);
        await desk.FinishAsync(order, cancellation);
        _finished.Add(order.Id);
        return true;
    }

    /// <summary>Written at once and not left to the recorder: the order is forgotten after this, also by the disk.</summary>
    private async Task TellAsync(string type, LetGoOrder order, object found, string? constraint, CancellationToken cancellation)
    {
        var data = OrderReport.Of(order, found, constraint);
        var told = new PlatformEvent(type, EventSeverity.Warning, order.KeyOf("host"), order.KeyOf("instance"), time.GetUtcNow(), data);
        await InTimeAsync(DoneAsync(events.RecordAsync([told.ToRow()], cancellation)), cancellation);
    }

    private async Task ForgetAsync(CancellationToken cancellation)
    {
        if (_finished.Count == 0 && !_hasKept)
            return;
        try
        {
            await desk.RewriteAsync(cancellation);
        }
        catch (IOException e)
        {
            // The database remembers what it has carried out, so that nothing is done twice; the disk is tried again.
            LogNotForgotten(e);
            return;
        }
        _hasKept = false;
        if (_finished.Count == 0)
            return;
        await InTimeAsync(DoneAsync(store.ForgetAsync(_finished, cancellation)), cancellation);
        LogForgotten(_finished.Count.ToString(CultureInfo.InvariantCulture));
        _finished.Clear();
    }

    /// <summary>A server that hangs again must not keep the next attempt from being made.</summary>
    /// <exception cref="DatabaseUnavailableException">It took too long.</exception>
    private async Task<T> InTimeAsync<T>(Task<T> work, CancellationToken cancellation)
    {
        try
        {
            return await work.WithinAsync(options.WriteTimeout, time, LogLate, cancellation);
        }
        catch (TimeoutException e)
        {
            throw new DatabaseUnavailableException("The database did not answer in time.", e);
        }
    }

    private static async Task<bool> DoneAsync(Task work)
    {
        await work;
        return true;
    }

    [LoggerMessage(1411, LogLevel.Information, "The order that waited for {Table} {Key} is in the database.")]
    private partial void LogWritten(string table, RowKey key);

    [LoggerMessage(1412, LogLevel.Information, "The order that waited for {Table} {Key} is moot, since the row is gone.")]
    private partial void LogMoot(string table, RowKey key);

    [LoggerMessage(1413, LogLevel.Warning, "The order of {User} for {Table} {Key} was overtaken: the row has changed since, and stands.")]
    private partial void LogOvertaken(string table, RowKey key, string user);

    [LoggerMessage(1414, LogLevel.Warning, "The order of {User} for {Table} {Key} is refused by {Constraint}.")]
    private partial void LogRefused(string table, RowKey key, string user, string constraint);

    [LoggerMessage(1415, LogLevel.Warning, "The order that waits for {Table} {Key} has to wait longer: {Why}")]
    private partial void LogHeld(string table, RowKey key, string why);

    [LoggerMessage(1416, LogLevel.Warning, "The orders that wait could not be written.")]
    private partial void LogNotWritten(Exception failure);

    [LoggerMessage(1417, LogLevel.Error, "The journal of orders cannot be written anew.")]
    private partial void LogNotForgotten(Exception failure);

    [LoggerMessage(1418, LogLevel.Information, "{Count} orders that had waited are done with.")]
    private partial void LogForgotten(string count);

    [LoggerMessage(1421, LogLevel.Warning, "A journaled request has to wait longer, since another one with its key is under way.")]
    private partial void LogNotKept(Exception failure);

    [LoggerMessage(1420, LogLevel.Debug, "What the database took too long for came to its end.")]
    private partial void LogLate(Exception failure);

    [LoggerMessage(1419, LogLevel.Debug, "Waiting orders are not written any more.")]
    private partial void LogStopping();
}
