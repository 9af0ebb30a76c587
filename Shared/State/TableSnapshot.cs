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
    public IEnumerable<Row> Where(string column, string value) => Bucket(column, value)?.Rows.Items ?? [];

    /// <summary>How many rows <see cref="Where"/> returns.</summary>
    public int CountWhere(string column, string value) => Bucket(column, value)?.Rows.Count ?? 0;

    internal static TableSnapshot Empty(Entity entity) =>
        new(entity, PersistentMap<Row>.Empty, [.. entity.Indexes.Select(_ => PersistentMap<IndexBucket>.Empty)]);

    internal Editor Edit() => new(this);

    private IndexBucket? Bucket(string column, string value)
    {
        for (var i = 0; i < _indexes.Length; i++)
        {
            if (Entity.Indexes[i] == column)
                return _indexes[i].Find(RowKey.OfValue(value));
        }
        throw new ArgumentException($"{Entity.Name} has no index on {column}.", nameof(column));
    }

    /// <summary>The rows of one value of an indexed column.</summary>
    private sealed class IndexBucket(RowKey value, PersistentMap<Row> rows) : IKeyed
    {
        public RowKey Key => value;

        public PersistentMap<Row> Rows => rows;
    }

    /// <summary>A batch of row changes by the store's owner.</summary>
    internal sealed class Editor
    {
        private readonly TableSnapshot _origin;
        private readonly PersistentMap<Row>.Editor _rows;

        // Buckets under edit, so that a bulk load does not make a new version of a bucket for every row.
        private readonly Dictionary<string, PersistentMap<Row>.Editor>[] _buckets;

        internal Editor(TableSnapshot origin)
        {
            _origin = origin;
            _rows = origin._rows.Edit();
            _buckets = [.. origin._indexes.Select(_ => new Dictionary<string, PersistentMap<Row>.Editor>(StringComparer.Ordinal))];
        }

        internal Row? Find(RowKey key) => _rows.Find(key);

        internal void Replace(RowKey key, Row? before, Row? after)
        {
            if (after is null)
                _rows.Remove(key);
            else
                _rows.Set(after);
            for (var i = 0; i < _buckets.Length; i++)
            {
                var (oldDesired, oldCurrent) = Values(before, _origin.Entity.Indexes[i]);
                var (newDesired, newCurrent) = Values(after, _origin.Entity.Indexes[i]);
                foreach (var value in (ReadOnlySpan<string?>)[oldDesired, oldCurrent])
                {
                    if (value is not null && value != newDesired && value != newCurrent)
                        Bucket(i, value).Remove(key);
                }
                if (newDesired is not null)
                    Bucket(i, newDesired).Set(after!);
                if (newCurrent is not null && newCurrent != newDesired)
                    Bucket(i, newCurrent).Set(after!);
            }
        }

        internal TableSnapshot ToSnapshot()
        {
            var indexes = new PersistentMap<IndexBucket>[_buckets.Length];
            for (var i = 0; i < indexes.Length; i++)
            {
                var index = _origin._indexes[i].Edit();
                foreach (var (value, bucket) in _buckets[i])
                {
                    if (bucket.Count == 0)
                        index.Remove(RowKey.OfValue(value));
                    else
                        index.Set(new IndexBucket(RowKey.OfValue(value), bucket.ToMap()));
                }
                indexes[i] = index.ToMap();
            }
            return new TableSnapshot(_origin.Entity, _rows.ToMap(), indexes);
        }

        private PersistentMap<Row>.Editor Bucket(int index, string value)
        {
            if (!_buckets[index].TryGetValue(value, out var bucket))
                _buckets[index].Add(value, bucket = (_origin._indexes[index].Find(RowKey.OfValue(value))?.Rows ?? PersistentMap<Row>.Empty).Edit());
            return bucket;
        }

        private (string? Desired, string? Current) Values(Row? row, string column) =>
            (Value(_origin.Entity.Desired, row?.Desired, column), Value(_origin.Entity.Current, row?.Current, column));

        private static string? Value(PartDeclaration? part, object? record, string column) =>
            record is null ? null : part!.Column(column)?.IndexText(record);
    }
}
