using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>Rows in the order of their keys. A row's key never changes, so this order is stable while rows come and go.</summary>
internal static class KeyOrder
{
    private static readonly Comparer<RowKey> Descending = Comparer<RowKey>.Create(static (left, right) => right.CompareTo(left));

    public static Row[] All(IEnumerable<Row> rows)
    {
        var sorted = rows.ToArray();
        Array.Sort(sorted, static (left, right) => left.Key.CompareTo(right.Key));
        return sorted;
    }

    /// <summary>
    /// The rows with the smallest keys behind a given one. Only so many are kept at a time, so a page of a large
    /// collection costs a look at each row, and no sorting of all of them.
    /// </summary>
    /// <param name="after">Null to begin with the first row.</param>
    /// <param name="limit">How many.</param>
    public static (Row[] Rows, bool HasMore) Page(IEnumerable<Row> rows, RowKey? after, int limit)
    {
        // The one with the greatest key is at the head, and is the one that goes.
        var kept = new PriorityQueue<Row, RowKey>(limit + 1, Descending);
        var hasMore = false;
        foreach (var row in rows)
        {
            if (after is { } last && row.Key <= last)
                continue;
            if (kept.Count < limit)
            {
                kept.Enqueue(row, row.Key);
                continue;
            }
            hasMore = true;
            kept.EnqueueDequeue(row, row.Key);
        }
        return (All(kept.UnorderedItems.Select(item => item.Element)), hasMore);
    }
}
