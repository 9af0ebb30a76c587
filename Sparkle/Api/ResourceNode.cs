using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api;

/// <summary>One mount of one entity in the tree of paths, with everything that a request needs there looked up once.</summary>
public sealed class ResourceNode
{
    private readonly Dictionary<string, ResourceNode> _children = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ResourceNode>.AlternateLookup<ReadOnlySpan<char>> _childrenBySpan;
    private readonly Column? _parentInDesired;
    private readonly Column? _parentInCurrent;
    private readonly Column? _nullInDesired;
    private readonly Column? _nullInCurrent;
    private readonly JsonTypeInfo? _desiredJson;
    private readonly JsonTypeInfo? _currentJson;
    private readonly int _parentKeyIndex;
    private readonly int _ownKeyIndex;
    private readonly ColumnKind _keyKind;

    internal ResourceNode(Entity entity, Mount mount, ResourceNode? parent)
    {
        Entity = entity;
        Mount = mount;
        Parent = parent;
        Depth = parent is null ? 0 : parent.Depth + 1;
        TenantDepth = entity.Name == "tenant" ? Depth : parent?.TenantDepth ?? -1;
        UserDepth = entity.Name == "user" ? Depth : parent?.UserDepth ?? -1;
        _childrenBySpan = _children.GetAlternateLookup<ReadOnlySpan<char>>();
        _parentInDesired = Find(entity.Desired, mount.ParentColumn);
        _parentInCurrent = Find(entity.Current, mount.ParentColumn);
        _nullInDesired = Find(entity.Desired, mount.NullColumn);
        _nullInCurrent = Find(entity.Current, mount.NullColumn);
        _desiredJson = JsonOf(entity.Desired);
        _currentJson = JsonOf(entity.Current);

        var keys = entity.KeyColumns;
        _parentKeyIndex = keys.Count > 1 && mount.ParentColumn is { } column ? keys.ToList().IndexOf(column) : -1;
        var free = Enumerable.Range(0, keys.Count).Where(index => index != _parentKeyIndex).ToArray();
        if (free.Length != 1)
            throw new InvalidOperationException($"{mount.Path}: the path leaves {free.Length} columns of the key open; it must be one.");
        if (parent is { Entity.KeyColumns.Count: > 1 })
            throw new InvalidOperationException($"{mount.Path}: a path under an entity whose key has several columns is not supported.");
        if (mount.Access is Access.TenantOwner or Access.TenantUser or Access.TenantReadOnly && TenantDepth < 0)
            throw new InvalidOperationException($"{mount.Path}: there is no tenant in the path whose token could give access.");
        if (mount.Access is Access.UserReadWrite or Access.UserReadOnly && UserDepth < 0)
            throw new InvalidOperationException($"{mount.Path}: there is no user in the path whose token could give access.");
        IsReachable = mount.Access != Access.Private && parent is not { IsReachable: false };
        HidesColumns = new[] { entity.Desired, entity.Current }.OfType<PartDeclaration>().SelectMany(part => part.Columns).Any(column => !Shows(column));
        IsWritable = entity is { IsStored: true, IsWrittenByPlatform: false }
            && !entity.Desired!.Columns.Any(column => column.IsRequired && mount.Hidden.Contains(column.Name));
        _ownKeyIndex = free[0];
        KeyColumn = keys[_ownKeyIndex];
        _keyKind = (entity.Desired ?? entity.Current)!.Column(KeyColumn)!.Kind;
    }

    public Entity Entity { get; }

    public Mount Mount { get; }

    public ResourceNode? Parent { get; }

    /// <summary>How many ancestors there are.</summary>
    public int Depth { get; }

    /// <summary>The depth at which the path names a tenant, or -1.</summary>
    public int TenantDepth { get; }

    /// <summary>The depth at which the path names a user, or -1.</summary>
    public int UserDepth { get; }

    /// <summary>The key column that the path shows; the other one of a composite key is the parent's key.</summary>
    public string KeyColumn { get; }

    /// <summary>The last segment of the mount.</summary>
    public string Segment => Mount.Segments[^1];

    public IReadOnlyCollection<ResourceNode> Children => _children.Values;

    /// <summary>Whether any path leads here.</summary>
    public bool IsReachable { get; }

    /// <summary>Whether some column of the rows is not shown here.</summary>
    public bool HidesColumns { get; }

    /// <summary>Whether clients write the entity here at all; where a column is left out that every row must have, they only read.</summary>
    public bool IsWritable { get; }

    public ResourceNode? Child(ReadOnlySpan<char> segment) => _childrenBySpan.TryGetValue(segment, out var child) ? child : null;

    /// <summary>The key's text in its one form, such as a uuid in lower case; null when no row can have it.</summary>
    public string? Normalize(string key) => _keyKind switch
    {
        ColumnKind.Uuid => Guid.TryParseExact(key, "D", out var uuid) ? uuid.ToString() : null,
        ColumnKind.HardwareAddress => NetworkText.HardwareAddress(key),
        _ => RowKey.IsValidPart(key) ? key : null,
    };

    /// <summary>The row's key from what the path says.</summary>
    public RowKey KeyFor(string key, string? parentKey)
    {
        if (_parentKeyIndex < 0)
            return RowKey.Of(key);
        var parts = new string[2];
        parts[_ownKeyIndex] = key;
        parts[_parentKeyIndex] = parentKey ?? throw new ArgumentNullException(nameof(parentKey));
        return RowKey.Of(parts);
    }

    /// <summary>The part of the key that the path shows.</summary>
    public string SegmentOf(RowKey key) => _parentKeyIndex < 0 ? key.Text : key.Parts[_ownKeyIndex];

    /// <summary>The key of the row that this one is under; of a row on its way from one parent to another, the ordered one.</summary>
    public string? ParentKeyOf(Row row) =>
        Text(_parentInDesired, row.Desired) ?? Text(_parentInCurrent, row.Current);

    /// <summary>The keys of all rows that this one is under: two while it is on its way from one to the other.</summary>
    public IEnumerable<string> ParentKeysOf(Row row)
    {
        var desired = Text(_parentInDesired, row.Desired);
        var current = Text(_parentInCurrent, row.Current);
        if (desired is not null)
            yield return desired;
        if (current is not null && current != desired)
            yield return current;
    }

    /// <summary>Whether the row is found at this mount under that parent.</summary>
    public bool Holds(Row row, string? parentKey)
    {
        if (Parent is not null && Text(_parentInDesired, row.Desired) != parentKey && Text(_parentInCurrent, row.Current) != parentKey)
            return false;
        return Mount.NullColumn is null || HasNull(row);
    }

    /// <summary>The rows of the collection under that parent, in no particular order.</summary>
    public IEnumerable<Row> Rows(StateSnapshot snapshot, string? parentKey)
    {
        var table = snapshot[Entity];
        if (Parent is null)
            return Mount.NullColumn is null ? table.Rows : table.Rows.Where(row => Holds(row, null));
        if (!Entity.Indexes.Contains(Mount.ParentColumn!))
            return table.Find(RowKey.Of(parentKey!)) is { } only && Holds(only, parentKey) ? [only] : [];
        var rows = table.Where(Mount.ParentColumn!, parentKey!);
        return Mount.NullColumn is null ? rows : rows.Where(row => Holds(row, parentKey));
    }

    /// <summary>How many rows the collection under that parent has at most, at no cost.</summary>
    public int CountAtMost(StateSnapshot snapshot, string? parentKey)
    {
        var table = snapshot[Entity];
        if (Parent is null)
            return table.Count;
        return Entity.Indexes.Contains(Mount.ParentColumn!) ? table.CountWhere(Mount.ParentColumn!, parentKey!) : 1;
    }

    /// <summary>Writes a part as the mount shows it.</summary>
    public void Write(Utf8JsonWriter writer, RowPart part, object record)
    {
        if ((part == RowPart.Desired ? _desiredJson : _currentJson) is { } json)
            JsonSerializer.Serialize(writer, record, json);
        else
            Entity.Part(part)!.Write(writer, record);
    }

    /// <summary>Whether clients see the column here.</summary>
    public bool Shows(Column column) => !column.IsSecret && !Mount.Hidden.Contains(column.Name);

    /// <summary>Whether clients may give the column here; what is secret they give and never see.</summary>
    public bool Takes(Column column) => !Mount.Hidden.Contains(column.Name);

    internal void Add(ResourceNode child) => _children.Add(child.Segment, child);

    // A row that lost the part which knows the column must not turn up here: it may be anybody's.
    private bool HasNull(Row row) => (_nullInDesired, row.Desired) is ({ } desired, { } ordered)
        ? desired.Get(ordered) is null
        : (_nullInCurrent, row.Current) is ({ } current, { } found) && current.Get(found) is null;

    private static Column? Find(PartDeclaration? part, string? column) => column is null ? null : part?.Column(column);

    private static string? Text(Column? column, object? record) => column is null || record is null ? null : column.IndexText(record);

    // Only a mount that hides columns needs a form of its own.
    private JsonTypeInfo? JsonOf(PartDeclaration? part)
    {
        if (part is null || Mount.Hidden.Count == 0)
            return null;
        var options = new JsonSerializerOptions(RowJson.Options);
        options.TypeInfoResolver = RowJson.Options.TypeInfoResolver!.WithAddedModifier(type =>
        {
            for (var i = type.Properties.Count - 1; i >= 0; i--)
            {
                if (Mount.Hidden.Contains(type.Properties[i].Name))
                    type.Properties.RemoveAt(i);
            }
        });
        return options.GetTypeInfo(part.Type);
    }
}
