using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>A place in the tree, as it stands in a URI below the root of the API.</summary>
internal sealed record Place(ResourceNode Node, string Path, string? Tenant, string? User);

/// <summary>A row at a place, before and after; null where it was or is not there.</summary>
internal sealed record PlacedChange(Place Place, RowKey Key)
{
    public Row? Before { get; set; }

    public Row? After { get; set; }
}

/// <summary>Finds all places at which one revision changes what is read. For one revision; not to be used again.</summary>
internal sealed class PlaceFinder(ResourceTree tree, RowParts parts, StateSnapshot before, StateSnapshot after)
{
    private readonly List<PlacedChange> _found = [];
    private readonly Dictionary<string, PlacedChange> _byPath = new(StringComparer.Ordinal);

    public IReadOnlyList<PlacedChange> Find(IReadOnlyList<RowTransition> rows)
    {
        foreach (var transition in rows)
        {
            foreach (var node in tree.NodesOf(transition.Entity))
            {
                if (node.IsReachable)
                    AddTransition(transition, node);
            }
        }
        foreach (var transition in rows)
        {
            foreach (var (entity, row) in parts.AgedBy(transition, after))
            {
                foreach (var node in tree.NodesOf(entity).Where(node => node.IsReachable))
                {
                    foreach (var place in PlacesOf(after, node, row))
                    {
                        var change = At(place, row.Key);
                        change.Before ??= before[entity].Find(row.Key);
                        change.After = row;
                    }
                }
            }
        }
        _found.RemoveAll(change => change is { Before: null, After: null });
        return _found;
    }

    private void AddTransition(RowTransition transition, ResourceNode node)
    {
        var old = transition.Before is { } was ? PlacesOf(before, node, was) : [];
        var now = transition.After is { } becomes ? PlacesOf(after, node, becomes) : [];
        foreach (var place in old)
            At(place, transition.Key).Before = transition.Before;
        foreach (var place in now)
            At(place, transition.Key).After = transition.After;
        if (node.Children.Count == 0)
            return;
        foreach (var place in old.Where(place => !now.Exists(other => other.Path == place.Path)))
            AddBelow(before, place, transition.Key, static (change, row) => change.Before = row);
        foreach (var place in now.Where(place => !old.Exists(other => other.Path == place.Path)))
            AddBelow(after, place, transition.Key, static (change, row) => change.After = row);
    }

    private void AddBelow(StateSnapshot snapshot, Place parent, RowKey key, Action<PlacedChange, Row> note)
    {
        foreach (var node in parent.Node.Children)
        {
            if (!node.IsReachable)
                continue;
            foreach (var row in node.Rows(snapshot, key.Text))
            {
                var place = Below(parent, node, row.Key);
                note(At(place, row.Key), row);
                AddBelow(snapshot, place, row.Key, note);
            }
        }
    }

    private static List<Place> PlacesOf(StateSnapshot snapshot, ResourceNode node, Row row)
    {
        if (node.Parent is null)
            return node.Holds(row, null) ? [Below(null, node, row.Key)] : [];
        var places = new List<Place>(1);
        foreach (var parentKey in node.ParentKeysOf(row))
        {
            if (!node.Holds(row, parentKey) || !RowKey.IsValidPart(parentKey)
                || snapshot[node.Parent.Entity].Find(RowKey.Of(parentKey)) is not { } parent)
                continue;
            foreach (var above in PlacesOf(snapshot, node.Parent, parent))
                places.Add(Below(above, node, row.Key));
        }
        return places;
    }

    private static Place Below(Place? parent, ResourceNode node, RowKey key)
    {
        var segment = node.SegmentOf(key);
        return new Place(
            node,
            $"{parent?.Path}/{node.Segment}/{Uri.EscapeDataString(segment)}",
            node.TenantDepth == node.Depth ? segment : parent?.Tenant,
            node.UserDepth == node.Depth ? segment : parent?.User);
    }

    private PlacedChange At(Place place, RowKey key)
    {
        if (!_byPath.TryGetValue(place.Path, out var change))
        {
            _byPath.Add(place.Path, change = new PlacedChange(place, key));
            _found.Add(change);
        }
        return change;
    }
}
