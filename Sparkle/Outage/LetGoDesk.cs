using System.Text.Json;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Outage;

/// <summary>
/// Takes orders to let go into the journal and lays them over memory. Whoever touches the journal comes through here, one at
/// a time; nobody waits for the database in that time.
/// </summary>
public sealed partial class LetGoDesk : ILetGoDesk, IDisposable
{
    private readonly IStateView _view;
    private readonly IOrderOverlay _overlay;
    private readonly LetGoOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<LetGoDesk> _logger;
    private readonly OrderJournal _journal;
    private readonly SemaphoreSlim _gate = new(1);

    internal LetGoDesk(OrderJournal journal, IStateView view, IOrderOverlay overlay, LetGoOptions options, TimeProvider time, ILogger<LetGoDesk> logger)
    {
        _journal = journal;
        _view = view;
        _overlay = overlay;
        _options = options;
        _time = time;
        _logger = logger;
    }

    /// <summary>How many orders wait for the database; maybe not quite, while one is being taken.</summary>
    internal int Waiting => _journal.Orders.Count;

    public async Task<TakenOrders?> TakeAsync(
        IReadOnlyList<RowWrite> changes, OrderGiver giver, bool mayStand, RepeatableRequest? request, CancellationToken cancellation)
    {
        if (changes.Count == 0 || changes.Any(change => change is not RowWrite.Update { Entity.Desired.CanLetGo: true }))
            return null;
        await EnterAsync(cancellation);
        var taking = TakeHeldAsync([.. changes.Cast<RowWrite.Update>()], giver, mayStand, request);
        try
        {
            // A disk that hangs cannot be called off: it goes on, and the next one waits for it.
            return await taking.WaitAsync(_options.DiskTimeout, _time, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException && !taking.IsCompleted)
        {
            _ = taking.ContinueWith(late => LogLate(late.Exception), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw new JournalException("The disk did not answer in time.", isUndone: false, e);
        }
    }

    public async Task<KeptAnswer?> FindAsync(RequestKey key, CancellationToken cancellation)
    {
        await EnterAsync(cancellation);
        try
        {
            return _journal.Find(key) is { } found ? new KeptAnswer(found.Key.Fingerprint, found.Answer) : null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Says what of the journal could not be read, and how much waits.</summary>
    internal void Report(IEventSink events)
    {
        if (_journal.Orders.Count > 0)
            LogWaiting(_journal.Orders.Count);
        foreach (var (movedTo, why) in _journal.Damage)
        {
            LogDamaged(movedTo, why);
            events.Record(new PlatformEvent(
                "order-journal-damaged", EventSeverity.Error, null, null, _time.GetUtcNow(),
                JsonText.From(JsonSerializer.SerializeToElement(new { file = movedTo, why }))));
        }
    }

    /// <summary>What is left to be brought to the database.</summary>
    internal async Task<IReadOnlyList<LetGoOrder>> WaitingAsync(CancellationToken cancellation) =>
        await HoldingAsync<IReadOnlyList<LetGoOrder>>(() => [.. _journal.Orders], cancellation);

    /// <summary>The requests that the database does not know of yet.</summary>
    internal async Task<IReadOnlyList<JournaledRequest>> RequestsAsync(CancellationToken cancellation) =>
        await HoldingAsync<IReadOnlyList<JournaledRequest>>(() => [.. _journal.Requests], cancellation);

    /// <summary>The database knows of the request.</summary>
    internal async Task FinishAsync(JournaledRequest request, CancellationToken cancellation) =>
        await HoldingAsync(() => _journal.Finish(request), cancellation);

    /// <summary>The order is about to be written; from now on it cannot be withdrawn.</summary>
    /// <returns>Whether it still counts.</returns>
    internal async Task<bool> BeginAsync(LetGoOrder order, CancellationToken cancellation) => await HoldingAsync(() => _journal.Begin(order), cancellation);

    /// <summary>The database has decided about the order.</summary>
    internal async Task FinishAsync(LetGoOrder order, CancellationToken cancellation) => await HoldingAsync(() => _journal.Finish(order), cancellation);

    /// <summary>Has the disk forget what is finished.</summary>
    /// <exception cref="IOException">The disk fails.</exception>
    internal async Task RewriteAsync(CancellationToken cancellation) => await HoldingAsync(
        () =>
        {
            _journal.Rewrite();
            return true;
        },
        cancellation);

    public void Dispose()
    {
        _journal.Dispose();
        _gate.Dispose();
    }

    // Disk and memory may take their time, so the caller's thread is not held.
    private async Task<T> HoldingAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            return await Task.Run(work, CancellationToken.None);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task EnterAsync(CancellationToken cancellation)
    {
        if (!await _gate.WaitAsync(_options.DiskTimeout, cancellation))
            throw new JournalException("The disk still works on orders before this one.", isUndone: true);
    }

    private async Task<TakenOrders?> TakeHeldAsync(List<RowWrite.Update> changes, OrderGiver giver, bool mayStand, RepeatableRequest? request)
    {
        try
        {
            // Another controller knows better what is.
            if (_view.Epoch is null || _view.Snapshot is not { } snapshot || Decide(changes, snapshot, giver, mayStand) is not { } decided)
                return null;
            var withdrawn = decided.Withdrawn.Select(order => (order.Entity, order.Key)).ToHashSet();
            var taken = new TakenOrders(
                decided.At,
                [.. changes.Where(change => !Equals(change.Expected, change.Record)).Select(change => (change, withdrawn.Contains((change.Entity, change.Key))))]);
            var kept = request is null ? null : new JournaledRequest(request.Key, request.Answer(taken));
            await Task.Run(() => _journal.Take(decided.Orders, [.. decided.Withdrawn.Select(order => order.Id)], kept));
            await _overlay.PutAsync(decided.Orders, CancellationToken.None);
            foreach (var order in decided.Withdrawn)
                await _overlay.WithdrawAsync(order, order.Basis, CancellationToken.None);
            LogTaken(decided.Orders.Count, decided.Withdrawn.Count);
            return taken;
        }
        finally
        {
            _gate.Release();
        }
    }

    private Decision? Decide(List<RowWrite.Update> changes, StateSnapshot snapshot, OrderGiver giver, bool mayStand)
    {
        var decided = new Decision(_time.GetUtcNow(), [], []);
        for (var i = 0; i < changes.Count; i++)
        {
            var (entity, key, expected, record) = changes[i];
            if (!Equals(snapshot[entity].Find(key)?.Desired, expected))
                throw new ConcurrentChangeException(i);
            // Only a condition, which holds.
            if (Equals(expected, record))
                continue;
            var before = _journal.Find(entity, key);
            if (before is { MayStand: false, Through: [] } && before.Basis.Equals(record))
                decided.Withdrawn.Add(before);
            else if (entity.Desired!.LetsGo(expected, record))
                decided.Orders.Add(Order(entity, key, expected, record, before, giver, decided.At) with { MayStand = mayStand });
            else
                return null;
        }
        return decided.Orders.Count + decided.Withdrawn.Count > 0 ? decided : null;
    }

    private static LetGoOrder Order(
        Entity entity, RowKey key, object expected, object record, LetGoOrder? before, OrderGiver giver, DateTimeOffset at) =>
        new(Guid.NewGuid(), entity, key, before?.Basis ?? expected, record, giver.User, giver.Tenant, at)
        {
            Through = before is null ? [] : before.MayStand ? [.. before.Through, before.Record] : before.Through,
        };

    private sealed record Decision(DateTimeOffset At, List<LetGoOrder> Orders, List<LetGoOrder> Withdrawn);

    [LoggerMessage(1401, LogLevel.Information, "{Orders} orders to let go are journaled until the database is back, {Withdrawn} are withdrawn.")]
    private partial void LogTaken(int orders, int withdrawn);

    [LoggerMessage(1403, LogLevel.Warning, "{Orders} orders of an earlier run wait for the database.")]
    private partial void LogWaiting(int orders);

    [LoggerMessage(1404, LogLevel.Error, "The journal of orders is damaged, and nothing of it is carried out. It is in {File} now: {Why}.")]
    private partial void LogDamaged(string file, string why);

    [LoggerMessage(1402, LogLevel.Warning, "The disk was late with an order to let go, whose giver was told that the outcome is not known.")]
    private partial void LogLate(Exception? failure);
}
