using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Sparkle.Storage;

/// <summary>
/// Writes what the rules of the room decide. Owned by the control loop; only the writing happens outside of it.
/// </summary>
/// <remarks>
/// <code>
/// idle ──a rule wants to look──► writing ──written, and back through the change stream──► idle
///  ▲                               │
///  │                               ├─ one decision refused: that one pauses, the others are written at once
///  └──────── pause ◄───────────────┴─ none could be written
/// </code>
/// A decision leaves no trace in memory but its own rows, once they are there; nothing else is decided meanwhile. So the same
/// room is never given twice, and a restart changes nothing.
/// </remarks>
internal sealed partial class StorageDesk(
    IReadOnlyList<IStorageRule> rules, IDesiredStateWriter writer, IControlQueue queue, IStateView view, ILogger<StorageDesk> logger) : IControlFeature
{
    /// <summary>So that a transaction is over long before its time is.</summary>
    private const int EnoughWrites = 256;

    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(10);
    private static readonly Backoff Pause = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    private readonly Setbacks _refused = new(Pause);
    private StateSnapshot? _state;
    private bool _writing;
    private int _failures;
    private TimeSpan _notBefore;
    private TimeSpan _now;

    public void Settled(ChangeSet changes)
    {
        _state = changes.After;
        foreach (var rule in rules)
            rule.Settled(changes);
        Act();
    }

    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        if (_refused.HasEnded(_now, now))
            LookAgain();
        _now = now;
        Act();
        return [];
    }

    private void Act()
    {
        if (_writing || _now < _notBefore || _state is not { } state || !rules.Any(rule => rule.IsWanted) || !view.Database.IsUp)
            return;
        var batch = new List<Decision>();
        foreach (var rule in rules.Where(rule => rule.IsWanted))
        {
            foreach (var decision in rule.Decide(state))
            {
                if (batch.Sum(taken => taken.Writes.Count) >= EnoughWrites)
                {
                    rule.LookAgain();
                    break;
                }
                if (!_refused.IsPaused(decision.Cause, _now))
                    batch.Add(decision);
            }
        }
        if (batch.Count == 0)
            return;
        _writing = true;
        _ = WriteAsync(batch);
    }

    private async Task WriteAsync(List<Decision> batch)
    {
        Exception? failure = null;
        try
        {
            using var timeout = new CancellationTokenSource(WriteTimeout);
            await writer.WriteAsync([.. batch.SelectMany(decision => decision.Writes)], timeout.Token);
        }
        catch (Exception e)
        {
            failure = e;
        }
        queue.Post(() => Written(batch, failure));
    }

    private void Written(List<Decision> batch, Exception? failure)
    {
        _writing = false;
        if (failure is null)
        {
            _failures = 0;
            foreach (var decision in batch)
            {
                _refused.Remove(decision.Cause);
                LogWritten(decision.What);
            }
        }
        else
        {
            // Somebody changed or deleted what it was about between the decision and the write. The others need not wait.
            if (CauseOf(batch, failure) is { } cause)
            {
                _refused.Add(cause.Cause, _now);
                LogRefused(cause.What, failure);
            }
            else
            {
                _notBefore = _now + Pause.DelayAfter(++_failures);
                LogNotWritten(batch.Count, failure);
            }
            LookAgain();
        }
        Act();
    }

    private void LookAgain()
    {
        foreach (var rule in rules)
            rule.LookAgain();
    }

    private static Decision? CauseOf(List<Decision> batch, Exception failure)
    {
        int? index = failure switch
        {
            WriteRefusedException refused => refused.Write,
            ConcurrentChangeException changed => changed.Write,
            _ => null,
        };
        foreach (var decision in batch)
        {
            if (index < decision.Writes.Count)
                return decision;
            index -= decision.Writes.Count;
        }
        return null;
    }

    [LoggerMessage(1401, LogLevel.Information, "{What}")]
    private partial void LogWritten(string what);

    [LoggerMessage(1402, LogLevel.Warning, "Not written, and tried again after a pause: {What}")]
    private partial void LogRefused(string what, Exception failure);

    [LoggerMessage(1403, LogLevel.Warning, "{Count} decisions about storage could not be written; trying again after a pause.")]
    private partial void LogNotWritten(int count, Exception failure);
}
