using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>Finds the rows of a collection that a caller is shown.</summary>
internal static class RowSource
{
    /// <summary>
    /// The rows that match all the filters, in no particular order. How long it takes tells a tenant nothing about
    /// others: an index over all tenants is only used for who may see all of its rows.
    /// </summary>
    public static IEnumerable<Row> Find(
        StateSnapshot snapshot, Caller caller, ResourceNode node, string? parentKey, IReadOnlyList<RowFilter> filters)
    {
        var rows = Candidates(snapshot, caller, node, parentKey, filters);
        return filters.Count == 0 ? rows : rows.Where(row => filters.All(filter => filter.Matches(row)));
    }

    private static IEnumerable<Row> Candidates(
        StateSnapshot snapshot, Caller caller, ResourceNode node, string? parentKey, IReadOnlyList<RowFilter> filters)
    {
        var table = snapshot[node.Entity];
        var listed = AccessPolicy.ListedKeys(caller, node);
        var wanted = filters.FirstOrDefault(filter => filter.Name == node.KeyColumn)?.Values;
        if ((wanted ?? listed) is { } keys)
        {
            return keys.Where(key => (listed is null || listed.Contains(key)) && node.Normalize(key) is not null)
                .Select(key => table.Find(node.KeyFor(key, parentKey)))
                .OfType<Row>()
                .Where(row => node.Holds(row, parentKey));
        }
        if (!SeesWholeTable(caller, node))
            return node.Rows(snapshot, parentKey);
        var best = node.CountAtMost(snapshot, parentKey);
        RowFilter? narrowest = null;
        foreach (var filter in filters.Where(filter => node.Entity.Indexes.Contains(filter.Name)))
        {
            var count = filter.Values.Sum(value => table.CountWhere(filter.Name, value));
            if (count < best)
                (best, narrowest) = (count, filter);
        }
        return narrowest is null
            ? node.Rows(snapshot, parentKey)
            : narrowest.Values.SelectMany(value => table.Where(narrowest.Name, value)).Distinct().Where(row => node.Holds(row, parentKey));
    }

    private static bool SeesWholeTable(Caller caller, ResourceNode node) =>
        caller.IsAlicorn || node is { Parent: null, Mount: { Access: Access.Shared, NullColumn: null } };
}
