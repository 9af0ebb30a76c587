using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Placement.Extents;

/// <summary>
/// Gives every volume of a shared-lvm pool the extents that it lacks, and deletes those of nobody. Owned by the control
/// loop; only the writing happens outside of it.
/// </summary>
/// <remarks>
/// <code>
/// idle ──something is lacking──► writing ──written, and back through the change stream──► idle
///  ▲                                │
///  │                                ├─ one of them refused: that one pauses, the others are written at once
///  └───────── pause ◄───────────────┴─ none could be written
/// </code>
/// A decision is taken on what the rows say, and leaves no trace in memory but its own rows, once they are there. Nothing
/// else is decided meanwhile, so that nothing is given twice; what the database has and memory does not see yet, the
/// schema refuses. What it answers is asked from the loop, too.
/// </remarks>
/// <param name="makeUuid">A uuid for each extent.</param>
public sealed partial class ExtentPlacement(
    EntityCatalog catalog, IDesiredStateWriter writer, IControlQueue queue, IStateView view, Func<Guid> makeUuid,
    ILogger<ExtentPlacement> logger) : IControlFeature
{
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(10);
    private static readonly Backoff Pause = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    private readonly Entity _extent = catalog["extent"];
    private readonly Entity _volume = catalog["volume"];
    private readonly ExtentLedger _ledger = new(catalog);
    private readonly Dictionary<Guid, string> _why = [];
    private readonly HashSet<Guid> _explained = [];
    private readonly Setbacks _refused = new(Pause);
    private StateSnapshot? _state;
    private bool _writing;
    private int _failures;
    private TimeSpan _notBefore;
    private TimeSpan _now;

    /// <summary>Why the volume has not all the space that it is to have, in words for its owner; null when it lacks nothing.</summary>
    public string? WhyNot(Guid volume) =>
        _ledger.IsLacking(volume) ? _why.GetValueOrDefault(volume, "Space for it is being sought.") : null;

    /// <summary>How the space of a pool is divided; null for a pool that is not cut into extents here.</summary>
    public Fragmentation? FragmentationOf(Guid pool) => _ledger.Pools.GetValueOrDefault(pool)?.Allocator.Fragmentation;

    /// <summary>In how many pieces the volume is; 0 for one that has none.</summary>
    /// <param name="pool">Of the volume.</param>
    /// <param name="volume">Any.</param>
    public int PiecesOf(Guid pool, Guid volume) => _ledger.Pools.GetValueOrDefault(pool)?.Allocator.PiecesOf(volume).Count ?? 0;

    public void Settled(ChangeSet changes)
    {
        _state = changes.After;
        foreach (var settled in _ledger.Apply(changes))
        {
            _why.Remove(settled);
            _explained.Remove(settled);
            _refused.Remove(settled);
        }
        Act();
    }

    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        if (_refused.HasEnded(_now, now))
            WantAll();
        _now = now;
        Act();
        return [];
    }

    /// <summary>
    /// The volumes for which <see cref="WhyNot"/> found new words since the last call. One that lacks nothing any more is
    /// seen by its extents.
    /// </summary>
    internal IReadOnlyList<Guid> TakeExplained()
    {
        var explained = _explained.ToArray();
        _explained.Clear();
        return explained;
    }

    private void Act()
    {
        if (_writing || _now < _notBefore || _state is not { } state || !_ledger.IsWanted || !view.Database.IsUp)
            return;
        var batch = Decide(state);
        if (batch.Writes.Count == 0)
            return;
        _writing = true;
        _ = WriteAsync(batch);
    }

    private ExtentBatch Decide(StateSnapshot state)
    {
        var batch = new ExtentBatch(_extent, makeUuid);
        foreach (var extent in _ledger.OfNobody)
        {
            if (!batch.IsFull && !_refused.IsPaused(extent, _now))
                batch.Delete((ExtentDesired)state[_extent].Find(extent)!.Desired!);
        }
        foreach (var (uuid, pool) in _ledger.Pools)
        {
            if (pool.IsWanted)
                Decide(state, uuid, pool, batch);
        }
        return batch;
    }

    private void Decide(StateSnapshot state, Guid uuid, PoolSpace pool, ExtentBatch batch)
    {
        var given = new Stack<Allocation>();
        pool.IsWanted = false;
        foreach (var volume in pool.Lacking)
        {
            if (batch.IsFull)
            {
                pool.IsWanted = true;
                break;
            }
            if (_refused.IsPaused(volume, _now))
                continue;
            var size = ((VolumeDesired)state[_volume].Find(volume)!.Desired!).Size;
            if (pool.Allocator.Grow(volume, size, out var why) is not { } allocation)
            {
                Explain(volume, why!.Words);
                continue;
            }
            given.Push(allocation);
            batch.Give(uuid, allocation, LastOf(state, allocation));
        }
        // What was decided counts when it comes back, and not before.
        foreach (var allocation in given)
            pool.Allocator.Undo(allocation);
    }

    /// <summary>The row of the piece that becomes longer.</summary>
    private ExtentDesired? LastOf(StateSnapshot state, Allocation allocation)
    {
        if (allocation.Extended is not { } extended)
            return null;
        var rows = state[_extent].Where("volume", RowKey.Of(allocation.Volume)).Select(row => (ExtentDesired)row.Desired!);
        return rows.Single(row => row.Order == extended.Order);
    }

    private async Task WriteAsync(ExtentBatch batch)
    {
        Exception? failure = null;
        try
        {
            using var timeout = new CancellationTokenSource(WriteTimeout);
            await writer.WriteAsync(batch.Writes, timeout.Token);
        }
        catch (Exception e)
        {
            failure = e;
        }
        queue.Post(() => Written(batch, failure));
    }

    private void Written(ExtentBatch batch, Exception? failure)
    {
        _writing = false;
        if (failure is null)
        {
            _failures = 0;
            if (batch.Allocations.Count > 0)
                LogGiven(batch.Allocations.Count, batch.Allocations.Sum(allocation => allocation.Length));
        }
        else if (batch.CauseOf(failure) is { } cause)
        {
            // Somebody deleted the volume, or took the space, between the decision and the write. The others need not wait.
            _failures = 0;
            _refused.Add(cause, _now);
            if (_ledger.IsLacking(cause))
                Explain(cause, failure.Message);
            LogRefused(cause, failure);
            WantAll();
        }
        else
        {
            _notBefore = _now + Pause.DelayAfter(++_failures);
            LogNotWritten(batch.Writes.Count, failure);
            WantAll();
        }
        Act();
    }

    private void WantAll()
    {
        foreach (var pool in _ledger.Pools.Values)
            pool.IsWanted = true;
    }

    private void Explain(Guid volume, string why)
    {
        if (_why.GetValueOrDefault(volume) == why)
            return;
        _why[volume] = why;
        _explained.Add(volume);
    }

    [LoggerMessage(1211, LogLevel.Information, "{Volumes} volumes were given {Size} MiB of shared disks.")]
    private partial void LogGiven(int volumes, long size);

    [LoggerMessage(1212, LogLevel.Warning, "Extents of {Cause} could not be written; trying again after a pause.")]
    private partial void LogRefused(Guid cause, Exception failure);

    [LoggerMessage(1213, LogLevel.Warning, "{Count} writes of extents could not be made; trying again after a pause.")]
    private partial void LogNotWritten(int count, Exception failure);
}
