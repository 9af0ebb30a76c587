using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>The rows of one entity as they were last reported, and so what has changed since.</summary>
internal sealed class ReportedRows(Entity entity)
{
    private readonly Dictionary<RowKey, object> _reported = [];

    /// <summary>What to report so that exactly these rows are: changed ones, then those that are gone.</summary>
    /// <exception cref="InvalidOperationException">Two rows have one key.</exception>
    public IReadOnlyList<RowChange> Become(IEnumerable<object> rows)
    {
        var changes = new List<RowChange>();
        var seen = new HashSet<RowKey>();
        foreach (var row in rows)
        {
            var key = entity.KeyOf(RowPart.Current, row);
            if (!seen.Add(key))
                throw new InvalidOperationException($"{entity} {key} is to be reported twice.");
            if (_reported.TryGetValue(key, out var before) && before.Equals(row))
                continue;
            _reported[key] = row;
            changes.Add(RowChange.Set(entity, RowPart.Current, row));
        }
        foreach (var key in _reported.Keys.Where(key => !seen.Contains(key)).ToList())
        {
            _reported.Remove(key);
            changes.Add(RowChange.Remove(entity, RowPart.Current, key));
        }
        return changes;
    }
}
