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

    /// <summary>Makes one revision of all the changes, applied in order, or none when nothing is different after them.</summary>
    public ChangeSet Apply(IEnumerable<RowChange> changes)
    {
        var before = _snapshot;
        var revision = before.Revision + 1;
        var editors = new TableSnapshot.Editor?[Catalog.All.Count];
        var touched = new List<(Entity Entity, RowKey Key)>();
        foreach (var (entity, key, part, value) in changes)
        {
            var editor = editors[entity.Ordinal] ??= before[entity].Edit();
            var old = editor.Find(key);
            if (Equals(old?.Part(part), value))
                continue;
            var desired = part == RowPart.Desired ? value : old?.Desired;
            var current = part == RowPart.Current ? value : old?.Current;
            editor.Replace(key, old, desired is null && current is null ? null : new Row(key, desired, current, revision));
            touched.Add((entity, key));
        }
        if (touched.Count == 0)
            return new ChangeSet(before, before, []);

        var tables = before.CopyTables();
        foreach (var editor in editors.Select((editor, ordinal) => (editor, ordinal)).Where(pair => pair.editor is not null))
            tables[editor.ordinal] = editor.editor!.ToSnapshot();
        var after = new StateSnapshot(revision, tables);
        var transitions = new List<RowTransition>(touched.Count);
        foreach (var (entity, key) in touched.Distinct())
        {
            var transition = new RowTransition(entity, before[entity].Find(key), after[entity].Find(key));
            if (transition.Changed(RowPart.Desired) || transition.Changed(RowPart.Current))
                transitions.Add(transition);
        }
        if (transitions.Count == 0)
            return new ChangeSet(before, before, []);
        _snapshot = after;
        return new ChangeSet(before, after, transitions);
    }
}
