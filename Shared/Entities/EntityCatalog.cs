using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace PonyCloud.Shared.Entities;

/// <summary>All entities of the platform, checked against each other once, when the catalog is made.</summary>
public sealed class EntityCatalog
{
    private readonly Dictionary<string, Entity> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (Entity Entity, Mount Mount)> _byMount = new(StringComparer.Ordinal);

    /// <exception cref="InvalidOperationException">The declarations contradict each other; the message says where.</exception>
    public EntityCatalog(IEnumerable<Entity> entities)
    {
        foreach (var entity in entities.OrderBy(entity => entity.Name, StringComparer.Ordinal))
        {
            entity.Ordinal = _byName.Count;
            if (!_byName.TryAdd(entity.Name, entity))
                throw new InvalidOperationException($"Two entities are named {entity.Name}.");
        }
        All = [.. _byName.Values];
        foreach (var entity in All)
            Check(entity);
        foreach (var entity in All)
            CheckScopesEnd(entity, []);
        foreach (var (entity, mount) in All.SelectMany(entity => entity.Mounts.Select(mount => (entity, mount))))
        {
            if (!_byMount.TryAdd(mount.Path, (entity, mount with { ParentColumn = mount.ParentColumn ?? ParentColumn(entity, mount) })))
                throw new InvalidOperationException($"{mount.Path} is a mount of {_byMount[mount.Path].Entity.Name} and of {entity.Name}.");
        }
        foreach (var (entity, mount) in _byMount.Values)
            CheckMount(entity, mount);
        InDependencyOrder = Sorted();
        Fingerprint = FingerprintOf(All);
    }

    /// <summary>The entities by name.</summary>
    public IReadOnlyList<Entity> All { get; }

    /// <summary>The entities with a table, every one behind those that it refers to.</summary>
    public IReadOnlyList<Entity> InDependencyOrder { get; }

    /// <summary>Differs between versions that have other entities or columns: they write rows differently.</summary>
    public string Fingerprint { get; }

    /// <summary>Every mount of every entity, with its parent column resolved.</summary>
    public IReadOnlyCollection<(Entity Entity, Mount Mount)> Mounts => _byMount.Values;

    /// <exception cref="KeyNotFoundException">There is no such entity.</exception>
    public Entity this[string name] => _byName[name];

    public Entity? Find(string name) => _byName.GetValueOrDefault(name);

    public (Entity Entity, Mount Mount)? FindMount(string path) => _byMount.TryGetValue(path, out var found) ? found : null;

    /// <summary>The catalog of every <see cref="IEntityDeclaration"/> in this assembly.</summary>
    public static EntityCatalog Load() => new(
        Assembly.GetExecutingAssembly().GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IEntityDeclaration)))
            .Select(type => ((IEntityDeclaration)Activator.CreateInstance(type)!).Declare()));

    private static string FingerprintOf(IEnumerable<Entity> entities)
    {
        var text = new StringBuilder();
        foreach (var entity in entities)
        {
            text.Append(entity.Name).Append('\n');
            foreach (var column in entity.Desired?.Columns ?? [])
                text.Append("desired ").Append(column.Name).Append(' ').Append(column.Kind).Append('\n');
            foreach (var column in entity.Current?.Columns ?? [])
                text.Append("current ").Append(column.Name).Append(' ').Append(column.Kind).Append('\n');
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 8));
    }

    private string? ParentColumn(Entity entity, Mount mount)
    {
        if (mount.Segments.Count == 1)
            return null;
        var parentPath = ParentPath(mount);
        var parent = All.FirstOrDefault(candidate => candidate.Mounts.Any(other => other.Path == parentPath))
            ?? throw new InvalidOperationException($"{entity.Name}: {mount.Path} has no parent mount {parentPath}.");
        return parent.Name;
    }

    private static string ParentPath(Mount mount) => mount.Path[..mount.Path.LastIndexOf('/')];

    private void Check(Entity entity)
    {
        if (entity.KeyColumns.Count == 0 || (entity.Desired is null && entity.Current is null))
            throw new InvalidOperationException($"{entity.Name}: an entity has a key and at least one part.");
        foreach (var index in entity.Indexes)
            RequireColumn(entity, index, "an index");
        foreach (var reference in Columns(entity).Where(column => column.References is not null))
        {
            if (!_byName.ContainsKey(reference.References!))
                throw new InvalidOperationException($"{entity.Name}.{reference.Name} refers to the unknown entity {reference.References}.");
        }
        if (entity.ReportedBy is { } by && !entity.KeyColumns.Contains(by))
            throw new InvalidOperationException($"{entity.Name}: {by} names the reporting host and must be a key column.");
        foreach (var scope in entity.Scopes)
            CheckScope(entity, scope);
    }

    private void CheckScope(Entity entity, HostScope scope)
    {
        switch (scope)
        {
            case HostScope.NamedBy(var column):
                RequireIndexOrKey(entity, column, "a scope");
                break;
            case HostScope.RefersTo(var column):
                RequireIndexOrKey(entity, column, "a scope");
                if (entity.Desired?.Column(column)?.References is null)
                    throw new InvalidOperationException($"{entity.Name}.{column} is a scope and must refer to an entity.");
                break;
            case HostScope.ReferencedBy(var name, var column):
                var from = _byName.GetValueOrDefault(name)
                    ?? throw new InvalidOperationException($"{entity.Name}: a scope names the unknown entity {name}.");
                RequireIndexOrKey(from, column, $"the scope of {entity.Name}");
                if (from.Desired?.Column(column)?.References != entity.Name)
                    throw new InvalidOperationException($"{entity.Name}: {name}.{column} does not refer to it.");
                break;
        }
    }

    // A row would be followed from scope to scope for ever.
    private void CheckScopesEnd(Entity entity, HashSet<Entity> open)
    {
        if (!open.Add(entity))
            throw new InvalidOperationException($"{entity.Name} is in its own scope by way of other entities.");
        foreach (var scope in entity.Scopes)
        {
            var next = scope switch
            {
                HostScope.RefersTo(var column) => entity.Desired!.Column(column)!.References!,
                HostScope.ReferencedBy(var name, _) => name,
                _ => null,
            };
            if (next is not null)
                CheckScopesEnd(_byName[next], open);
        }
        open.Remove(entity);
    }

    private void CheckMount(Entity entity, Mount mount)
    {
        if (mount.ParentColumn is not { } column)
            return;
        if (!_byMount.ContainsKey(ParentPath(mount)))
            throw new InvalidOperationException($"{entity.Name}: {mount.Path} has no parent mount.");
        RequireIndexOrKey(entity, column, $"the mount {mount.Path}");
    }

    private static IEnumerable<Column> Columns(Entity entity) =>
        (entity.Desired?.Columns ?? []).Concat(entity.Current?.Columns ?? []);

    private static void RequireColumn(Entity entity, string column, string what)
    {
        if (!Columns(entity).Any(candidate => candidate.Name == column))
            throw new InvalidOperationException($"{entity.Name}: {what} needs the column {column}.");
    }

    private static void RequireIndexOrKey(Entity entity, string column, string what)
    {
        RequireColumn(entity, column, what);
        if (!entity.Indexes.Contains(column) && !(entity.KeyColumns.Count == 1 && entity.KeyColumns[0] == column))
            throw new InvalidOperationException($"{entity.Name}: {what} needs an index on {column}.");
    }

    private List<Entity> Sorted()
    {
        var sorted = new List<Entity>();
        var open = new HashSet<Entity>();
        foreach (var entity in All.Where(entity => entity.IsStored))
            Visit(entity);
        return sorted;

        void Visit(Entity entity)
        {
            if (sorted.Contains(entity))
                return;
            if (!open.Add(entity))
                throw new InvalidOperationException($"{entity.Name} refers to itself by way of other entities.");
            foreach (var name in entity.Desired!.Columns.Select(column => column.References).Append(entity.WrittenAfter).OfType<string>())
            {
                if (name != entity.Name && _byName[name].IsStored)
                    Visit(_byName[name]);
            }
            sorted.Add(entity);
        }
    }
}
