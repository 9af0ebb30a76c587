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
        var revision = before.Revision + 1;
        var editors = new TableSnapshot.Editor?[Catalog.All.Count];
        var touched = new List<(Entity Entity, RowKey Key)>();
        foreach (var (entity, key, part, value) in changes)
        {
            Check(entity, part, value);
            var editor = editors[entity.Ordinal] ??= before[entity].Edit();
            var old = editor.Find(key);
            if (Equals(old?.Part(part), value))
                continue;
            var desired = part == RowPart.Desired ? value : old?.Desired;
            var current = part == RowPart.Current ? value : old?.Current;
            editor.Replace(key, old, desired is null && current is null ? null : new Row(key, desired, current, revision));
            touched.Add((entity, key));
        }
        var transitions = Transitions(before, editors, touched);
        if (transitions.Count == 0)
            return new ChangeSet(before, before, []);

        var tables = before.CopyTables();
        foreach (var editor in editors.Select((editor, ordinal) => (editor, ordinal)).Where(pair => pair.editor is not null))
            tables[editor.ordinal] = editor.editor!.ToSnapshot();
        var after = new StateSnapshot(revision, tables);
        _snapshot = after;
        return new ChangeSet(before, after, transitions);
    }

    /// <summary>What became of the touched rows. One that is equal again gets its old place back, revision included.</summary>
    private static List<RowTransition> Transitions(
        StateSnapshot before, TableSnapshot.Editor?[] editors, List<(Entity Entity, RowKey Key)> touched)
    {
        var transitions = new List<RowTransition>(touched.Count);
        foreach (var (entity, key) in touched.Distinct())
        {
            var editor = editors[entity.Ordinal]!;
            var transition = new RowTransition(entity, before[entity].Find(key), editor.Find(key));
            if (transition.Changed(RowPart.Desired) || transition.Changed(RowPart.Current))
                transitions.Add(transition);
            else if (transition.Before is not null)
                editor.Replace(key, transition.After, transition.Before);
        }
        return transitions;
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
}
