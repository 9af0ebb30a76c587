using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Placement;

/// <summary>
/// Which desired rows a host is sent, from the scopes that entities declare, and, the other way round, which hosts a row
/// concerns. Pure functions of a snapshot.
/// </summary>
public sealed class ScopeResolver
{
    private readonly EntityCatalog _catalog;
    private readonly List<(Entity Entity, string Column)> _named = [];
    private readonly ILookup<string, (Entity Entity, string Column)> _referring;
    private readonly Dictionary<Entity, Column> _leaves;

    public ScopeResolver(EntityCatalog catalog)
    {
        _catalog = catalog;
        foreach (var entity in catalog.All)
            _named.AddRange(entity.Scopes.OfType<HostScope.NamedBy>().Select(scope => (entity, scope.Column)));
        _referring = catalog.All
            .SelectMany(entity => entity.Scopes.OfType<HostScope.RefersTo>()
                .Select(scope => (To: entity.Desired!.Column(scope.Column)!.References!, From: (entity, scope.Column))))
            .ToLookup(pair => pair.To, pair => pair.From, StringComparer.Ordinal);
        _leaves = catalog.All
            .Where(entity => entity.Scopes is [HostScope.RefersTo] && !_referring[entity.Name].Any()
                && !entity.Desired!.Columns.Any(column => IsBrought(entity, column)))
            .ToDictionary(entity => entity, entity => entity.Desired!.Column(((HostScope.RefersTo)entity.Scopes[0]).Column)!);
    }

    /// <summary>
    /// Whether the entity's rows are sent to a host for one reason, another row that is sent there, and bring none along: so what a
    /// host has says by itself whether it is to have such a row.
    /// </summary>
    public bool IsLeaf(Entity entity) => _leaves.ContainsKey(entity);

    /// <summary>The row with which a row of a leaf is sent along; null when it refers to none.</summary>
    public (Entity Entity, RowKey Key)? StemOf(Entity leaf, object record) =>
        _leaves[leaf].IndexText(record) is { } key ? (_catalog[_leaves[leaf].References!], RowKey.Of(key)) : null;

    /// <summary>Every desired row that the host is to have, by entity and key.</summary>
    public Dictionary<(Entity Entity, RowKey Key), object> RowsOf(StateSnapshot state, string host)
    {
        var rows = new Dictionary<(Entity, RowKey), object>();
        foreach (var (entity, column) in _named)
        {
            foreach (var row in Find(state, entity, column, host))
                Add(state, entity, row, rows);
        }
        return rows;
    }

    /// <summary>The hosts that have the row, or anything that depends on it, in their scope.</summary>
    /// <param name="seen">The rows of this state whose hosts are in the set already; of many rows, all that have something in common look there once.</param>
    public void AddHostsOf(StateSnapshot state, Entity entity, Row row, ISet<string> hosts, ISet<(Entity Entity, RowKey Key)>? seen = null)
    {
        if (row.Desired is null || seen?.Add((entity, row.Key)) is false)
            return;
        foreach (var scope in entity.Scopes)
        {
            switch (scope)
            {
                case HostScope.NamedBy(var column):
                    if (entity.Desired!.Column(column)!.IndexText(row.Desired) is { } host)
                        hosts.Add(host);
                    break;
                case HostScope.ReferencedBy(var name, var column):
                    foreach (var from in state[_catalog[name]].Where(column, row.Key.Text))
                        AddHostsOf(state, _catalog[name], from, hosts, seen);
                    break;
                case HostScope.RefersTo(var column):
                    if (Target(state, entity, row, column) is var (target, parent) && parent is not null)
                        AddHostsOf(state, target, parent, hosts, seen);
                    break;
            }
        }
    }

    private void Add(StateSnapshot state, Entity entity, Row row, Dictionary<(Entity, RowKey), object> rows)
    {
        if (row.Desired is null || !rows.TryAdd((entity, row.Key), row.Desired))
            return;
        // What this row refers to, where the other entity declares that this is a reason to be sent ...
        foreach (var column in entity.Desired!.Columns)
        {
            if (IsBrought(entity, column) && Target(state, entity, row, column.Name) is var (target, referred) && referred is not null)
                Add(state, target, referred, rows);
        }
        // ... and what refers to this row and is sent along with it.
        foreach (var (from, column) in _referring[entity.Name])
        {
            foreach (var child in Find(state, from, column, row.Key.Text))
                Add(state, from, child, rows);
        }
    }

    private bool IsBrought(Entity entity, Column column) => column.References is { } name
        && _catalog[name].Scopes.Any(scope => scope is HostScope.ReferencedBy(var from, var by) && from == entity.Name && by == column.Name);

    private (Entity Entity, Row? Row) Target(StateSnapshot state, Entity entity, Row row, string column)
    {
        var declared = entity.Desired!.Column(column)!;
        var target = _catalog[declared.References!];
        return (target, declared.IndexText(row.Desired!) is { } key ? state[target].Find(RowKey.Of(key)) : null);
    }

    private static IEnumerable<Row> Find(StateSnapshot state, Entity entity, string column, string value) =>
        entity.KeyColumns.Count == 1 && entity.KeyColumns[0] == column
            ? state[entity].Find(RowKey.Of(value)) is { } row ? [row] : []
            : state[entity].Where(column, value).Where(row => Names(entity, row, column, value));

    // An index covers the current part too; what is sent depends on orders only.
    private static bool Names(Entity entity, Row row, string column, string value) =>
        row.Desired is not null && entity.Desired!.Column(column)!.IndexText(row.Desired) == value;
}
