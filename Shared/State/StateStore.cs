using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.State;

/// <summary>
/// The state of the platform, or of one host, in memory. One loop owns the store and is the only one to call
/// <see cref="Apply"/>; anybody may read <see cref="Snapshot"/> at any time, without a lock.
/// </summary>
/// <remarks>
/// Invariants: a row is present as long as one of its parts is. A snapshot never changes. Every revision differs from
/// the one before it: changes that change nothing make none.
/// </remarks>
public sealed class StateStore
{
    private volatile StateSnapshot _snapshot;

    public StateStore(EntityCatalog catalog)
    {
        Catalog = catalog;
        _snapshot = new StateSnapshot(0, [.. catalog.All.Select(TableSnapshot.Empty)]);
    }

    public EntityCatalog Catalog { get; }

    /// <summary>The newest revision.</summary>
    public StateSnapshot Snapshot => _snapshot;

    /// <summary>
    /// Makes one revision of all the changes, applied in order, or none when nothing is different after them. A row
    /// that goes there and back within the changes stays the row that it was.
    /// </summary>
    /// <exception cref="ArgumentException">A value is no record of its part; none of the changes is applied.</exception>
    public ChangeSet Apply(IEnumerable<RowChange> changes)
    {
        var before = _snapshot;
        var batch = new Batch(before, before.Revision + 1);
        foreach (var (entity, key, part, value) in changes)
        {
            Check(entity, part, value);
            batch.Add(entity, key, part, value);
        }
        var transitions = batch.Transitions();
        if (transitions.Count == 0)
            return new ChangeSet(before, before, []);

        var tables = before.CopyTables();
        foreach (var (entity, ofEntity) in ByEntity(transitions))
            tables[entity.Ordinal] = before[entity].After(ofEntity);
        var after = new StateSnapshot(before.Revision + 1, tables);
        _snapshot = after;
        return new ChangeSet(before, after, transitions);
    }

    private static IEnumerable<(Entity Entity, IReadOnlyList<RowTransition> Transitions)> ByEntity(List<RowTransition> transitions)
    {
        var first = transitions[0].Entity;
        return transitions.TrueForAll(transition => transition.Entity == first)
            ? [(first, transitions)]
            : transitions.GroupBy(transition => transition.Entity).Select(group => (group.Key, (IReadOnlyList<RowTransition>)[.. group]));
    }

    private static void Check(Entity entity, RowPart part, object? value)
    {
        if (value is null)
            return;
        var declared = entity.Part(part)?.Type
            ?? throw new ArgumentException($"{entity.Name} has no {(part == RowPart.Desired ? "desired" : "current")} part.", nameof(value));
        if (value.GetType() != declared)
            throw new ArgumentException($"{entity.Name}: a {value.GetType().Name} is no {declared.Name}.", nameof(value));
    }

    /// <summary>The rows that a batch of changes touched so far, each as it was and as it has become.</summary>
    private sealed class Batch(StateSnapshot before, long revision)
    {
        private readonly List<RowTransition> _touched = [];
        private readonly Dictionary<RowKey, int>?[] _places = new Dictionary<RowKey, int>?[before.Tables.Count];
        private bool _touchedAgain;

        public void Add(Entity entity, RowKey key, RowPart part, object? value)
        {
            var places = _places[entity.Ordinal] ??= [];
            var isTouched = places.TryGetValue(key, out var place);
            var old = isTouched ? _touched[place].After : before[entity].Find(key);
            if (Equals(old?.Part(part), value))
                return;
            var desired = part == RowPart.Desired ? value : old?.Desired;
            var current = part == RowPart.Current ? value : old?.Current;
            var row = desired is null && current is null ? null : new Row(key, desired, current, revision);
            if (isTouched)
            {
                _touched[place] = _touched[place] with { After = row };
                _touchedAgain = true;
                return;
            }
            places.Add(key, _touched.Count);
            _touched.Add(new RowTransition(entity, old, row));
        }

        /// <summary>In the order in which the rows were touched first, without those that are equal again.</summary>
        public List<RowTransition> Transitions()
        {
            if (_touchedAgain)
                _touched.RemoveAll(transition => !transition.Changed(RowPart.Desired) && !transition.Changed(RowPart.Current));
            return _touched;
        }
    }
}
