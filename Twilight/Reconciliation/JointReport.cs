using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// Puts together what several reporters say. Silent until each of them was complete once: a report without the disks
/// would say that there are none.
/// <code>
///            rows of the last one that was missing
///   WAITING ───────────────────────────────────────► COMPLETE
///   rows are gathered      all that was gathered,    rows pass
///                          as one first report
/// </code>
/// </summary>
/// <remarks>Pure. Owned by the loop that sends the report.</remarks>
internal sealed class JointReport(IEnumerable<IHostReporter> reporters)
{
    private readonly HashSet<IHostReporter> _missing = [.. reporters];
    private readonly Dictionary<Entity, IHostReporter> _owners = [];
    // Only the newest of each row, since the last reporter may be long in coming.
    private readonly Dictionary<(Entity Entity, RowKey Key), RowChange> _gathered = [];

    /// <summary>Takes what a reporter says; returns what the host says, null for nothing yet. The first answer is complete.</summary>
    /// <exception cref="InvalidOperationException">Two reporters report rows of one entity.</exception>
    public IReadOnlyList<RowChange>? Take(IHostReporter reporter, IReadOnlyList<RowChange> changes)
    {
        foreach (var change in changes)
        {
            if (_owners.TryAdd(change.Entity, reporter) || _owners[change.Entity] == reporter)
                continue;
            throw new InvalidOperationException(
                $"{change.Entity} is reported by {_owners[change.Entity].GetType().Name} and by {reporter.GetType().Name}.");
        }
        if (_missing.Count == 0)
            return changes;
        foreach (var change in changes)
            _gathered[(change.Entity, change.Key)] = change;
        _missing.Remove(reporter);
        return _missing.Count == 0 ? [.. _gathered.Values.Where(change => change.Value is not null)] : null;
    }
}
