using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.State;

/// <summary>One entity's rows at one revision, with their secondary indexes. Immutable.</summary>
public sealed class TableSnapshot
{
    private readonly PersistentMap<Row> _rows;
    private readonly PersistentMap<IndexBucket>[] _indexes;

    private TableSnapshot(Entity entity, PersistentMap<Row> rows, PersistentMap<IndexBucket>[] indexes)
    {
        Entity = entity;
        _rows = rows;
        _indexes = indexes;
    }

    public Entity Entity { get; }

    public int Count => _rows.Count;

    /// <summary>All rows, in an order that depends on their keys only.</summary>
    public IEnumerable<Row> Rows => _rows.Items;

    public Row? Find(RowKey key) => _rows.Find(key);

    public Row? Find(Guid uuid) => _rows.Find(RowKey.Of(uuid));

    /// <summary>
    /// The rows whose desired or current part has this value in an indexed column, so that a row on its way from one
    /// value to another is found under both.
    /// </summary>
    /// <exception cref="ArgumentException">The entity declares no index on the column.</exception>
    public IEnumerable<Row> Where(string column, string value) => Where(column, RowKey.OfValue(value));

    /// <summary>The rows that refer to the row with this key, of one part, by an indexed column.</summary>
    /// <exception cref="ArgumentException">The entity declares no index on the column.</exception>
    public IEnumerable<Row> Where(string column, RowKey value) => Bucket(column, value)?.Rows.Items ?? [];

    /// <summary>How many rows <see cref="Where(string, string)"/> returns.</summary>
    public int CountWhere(string column, string value) => Bucket(column, RowKey.OfValue(value))?.Rows.Count ?? 0;

    internal static TableSnapshot Empty(Entity entity) =>
        new(entity, PersistentMap<Row>.Empty, [.. entity.Indexes.Select(_ => PersistentMap<IndexBucket>.Empty)]);

    /// <summary>The table after the transitions, which are those of a revision: at most one of each row.</summary>
    internal TableSnapshot After(IReadOnlyList<RowTransition> transitions)
    {
        var rows = _rows.Edit();
        var set = new List<Row>(transitions.Count);
        foreach (var transition in transitions)
        {
            if (transition.After is { } after)
                set.Add(after);
            else
                rows.Remove(transition.Key);
        }
        rows.SetAll(set);
        return new TableSnapshot(
            Entity, rows.ToMap(), [.. _indexes.Select((index, i) => After(index, Entity.IndexedColumns[i], transitions))]);
    }

    private static PersistentMap<IndexBucket> After(
        PersistentMap<IndexBucket> index, (Column? Desired, Column? Current) column, IReadOnlyList<RowTransition> transitions)
    {
        var buckets = new Dictionary<RowKey, BucketEdit>();
        foreach (var transition in transitions)
        {
            var (oldDesired, oldCurrent) = Values(column, transition.Before);
            var (newDesired, newCurrent) = Values(column, transition.After);
            foreach (var value in (ReadOnlySpan<RowKey?>)[oldDesired, oldCurrent])
            {
                if (value is { } old && old != newDesired && old != newCurrent)
                    Edit(old).Removed.Add(transition.Key);
            }
            if (newDesired is { } desired)
                Edit(desired).Set.Add(transition.After!);
            if (newCurrent is { } current && newCurrent != newDesired)
                Edit(current).Set.Add(transition.After!);
        }
        if (buckets.Count == 0)
            return index;
        var edited = index.Edit();
        var set = new List<IndexBucket>(buckets.Count);
        foreach (var (value, (rowsSet, rowsRemoved)) in buckets)
        {
            var rows = (index.Find(value)?.Rows ?? PersistentMap<Row>.Empty).Edit();
            foreach (var key in rowsRemoved)
                rows.Remove(key);
            rows.SetAll(rowsSet);
            if (rows.Count == 0)
                edited.Remove(value);
            else
                set.Add(new IndexBucket(value, rows.ToMap()));
        }
        edited.SetAll(set);
        return edited.ToMap();

        BucketEdit Edit(RowKey value)
        {
            if (!buckets.TryGetValue(value, out var edit))
                buckets.Add(value, edit = new BucketEdit([], []));
            return edit;
        }
    }

    private static (RowKey? Desired, RowKey? Current) Values((Column? Desired, Column? Current) column, Row? row) =>
        (row?.Desired is { } desired ? column.Desired?.IndexKey(desired) : null,
            row?.Current is { } current ? column.Current?.IndexKey(current) : null);

    private IndexBucket? Bucket(string column, RowKey value)
    {
        for (var i = 0; i < _indexes.Length; i++)
        {
            if (Entity.Indexes[i] == column)
                return _indexes[i].Find(value);
        }
        throw new ArgumentException($"{Entity.Name} has no index on {column}.", nameof(column));
    }

    /// <summary>The rows of one value of an indexed column.</summary>
    private sealed class IndexBucket(RowKey value, PersistentMap<Row> rows) : IKeyed
    {
        public RowKey Key => value;

        public PersistentMap<Row> Rows => rows;
    }

    /// <summary>What becomes of the rows of one value.</summary>
    private sealed record BucketEdit(List<Row> Set, List<RowKey> Removed);
}
