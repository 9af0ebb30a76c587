using System.Text.Json.Nodes;

namespace PonyCloud.Pony.Schema;

/// <summary>A column of an entity's part.</summary>
internal sealed record Field
{
    public required string Name { get; init; }

    /// <summary>What values it takes, as the schema names it. A kind that is not known here is taken for text.</summary>
    public required string Kind { get; init; }

    public string Description { get; init; } = "";

    public bool IsNullable { get; init; }

    public bool IsRequired { get; init; }

    /// <summary>The texts of an enumeration.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>The entity whose key the column holds.</summary>
    public string? References { get; init; }

    public bool IsImmutable { get; init; }

    public bool IsWriteOnly { get; init; }

    /// <summary>What a new row has unless told otherwise; null when nothing.</summary>
    public JsonNode? Default { get; init; }
}

/// <summary>A kind of row.</summary>
internal sealed record Entity
{
    public required string Name { get; init; }

    public string Summary { get; init; } = "";

    /// <summary>Columns of what is ordered; empty when nothing can be.</summary>
    public IReadOnlyList<Field> Desired { get; init; } = [];

    /// <summary>Columns of what is.</summary>
    public IReadOnlyList<Field> Current { get; init; } = [];

    /// <summary>People call its rows by a name of their own choice.</summary>
    public bool HasName => FindDesired("name") is { Kind: "text" };

    public Field? FindDesired(string name) => Desired.FirstOrDefault(field => field.Name == name);

    public Field? FindCurrent(string name) => Current.FirstOrDefault(field => field.Name == name);
}

/// <summary>A place in the tree of paths at which rows of an entity are.</summary>
internal sealed class Mount(string segment, Entity entity, Mount? parent)
{
    private readonly SortedDictionary<string, Mount> _children = new(StringComparer.Ordinal);

    /// <summary>The last segment of the path.</summary>
    public string Segment { get; } = segment;

    public Entity Entity { get; } = entity;

    public Mount? Parent { get; } = parent;

    /// <summary>The column whose value the path shows.</summary>
    public required string KeyColumn { get; init; }

    /// <summary>The column that says under which row it is.</summary>
    public string? ParentColumn { get; init; }

    public bool IsWritable { get; init; }

    /// <summary>A new row may name a template that it is made from.</summary>
    public bool TakesTemplate { get; init; }

    /// <summary>Columns that are left out here.</summary>
    public IReadOnlyList<string> Hidden { get; init; } = [];

    /// <summary>Columns by which the server selects rows.</summary>
    public IReadOnlyList<string> Filters { get; init; } = [];

    public IReadOnlyDictionary<string, Mount> Children => _children;

    public Field? KeyField => Entity.FindDesired(KeyColumn) ?? Entity.FindCurrent(KeyColumn);

    public bool IsKeyUuid => KeyField?.Kind == "uuid";

    /// <summary>For people: <c>/tenant/…/instance</c>.</summary>
    public override string ToString() => Parent is null ? "/" + Segment : $"{Parent}/…/{Segment}";

    /// <summary>A query for the rows with this value, as far as the server selects by it; what it answers may be more.</summary>
    public string Query(params IEnumerable<(string Column, string Value)> conditions)
    {
        var known = conditions.Where(condition => Filters.Contains(condition.Column) && condition.Value.Length > 0)
            .Select(condition => $"{Uri.EscapeDataString(condition.Column)}={Uri.EscapeDataString(condition.Value)}").ToList();
        return known.Count == 0 ? "" : "?" + string.Join('&', known);
    }

    /// <summary>The key's one form, or null when the text is no key but may be a name.</summary>
    public string? Normalize(string text)
    {
        if (!IsKeyUuid)
            return text;
        return Guid.TryParseExact(text, "D", out var uuid) ? uuid.ToString() : null;
    }

    public Mount? Child(string segment) => _children.GetValueOrDefault(segment.Replace('_', '-'));

    internal void Add(Mount child) => _children.Add(child.Segment, child);
}

/// <summary>Everything that pony knows of entities: what the server says of itself at <c>/api/v1/schema</c>.</summary>
internal sealed class Catalog
{
    private readonly SortedDictionary<string, Mount> _roots = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Entity> _entities = new(StringComparer.Ordinal);
    private readonly List<Mount> _mounts = [];

    private Catalog()
    {
    }

    public IReadOnlyDictionary<string, Mount> Roots => _roots;

    public IReadOnlyList<Mount> Mounts => _mounts;

    public Entity? Entity(string name) => _entities.GetValueOrDefault(name);

    public Mount? Root(string segment) => _roots.GetValueOrDefault(segment.Replace('_', '-'));

    /// <exception cref="PonyException">It is no schema.</exception>
    public static Catalog Read(JsonObject json)
    {
        try
        {
            var catalog = new Catalog();
            foreach (var (name, entity) in json["entities"]!.AsObject())
                catalog._entities.Add(name, ReadEntity(name, entity!.AsObject()));
            // Parents before children.
            foreach (var mount in json["mounts"]!.AsArray().Select(mount => mount!.AsObject()).OrderBy(mount => Segments(mount).Length))
                catalog.Add(mount);
            return catalog;
        }
        catch (Exception exception) when (exception is NullReferenceException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new PonyException(ExitCode.Unavailable, "The server describes itself in a way that this pony does not understand.", exception);
        }
    }

    private void Add(JsonObject json)
    {
        var segments = Segments(json);
        Mount? parent = null;
        foreach (var segment in segments[..^1])
        {
            // A mount under one that is not shown is not reached from here.
            if ((parent is null ? Root(segment) : parent.Child(segment)) is not { } found)
                return;
            parent = found;
        }
        var mount = new Mount(segments[^1], _entities[json["entity"]!.GetValue<string>()], parent)
        {
            KeyColumn = json["key_column"]!.GetValue<string>(),
            ParentColumn = json["parent_column"]?.GetValue<string>(),
            IsWritable = Is(json, "writable"),
            TakesTemplate = Is(json, "takes_template"),
            Hidden = Texts(json, "hidden"),
            Filters = Texts(json, "filters"),
        };
        _mounts.Add(mount);
        if (parent is null)
            _roots.Add(mount.Segment, mount);
        else
            parent.Add(mount);
    }

    private static Entity ReadEntity(string name, JsonObject json) => new()
    {
        Name = name,
        Summary = json["summary"]?.GetValue<string>() ?? "",
        Desired = Fields(json["desired"]),
        Current = Fields(json["current"]),
    };

    private static List<Field> Fields(JsonNode? part) =>
        part is null ? [] : [.. part["columns"]!.AsArray().Select(column => ReadField(column!.AsObject()))];

    private static Field ReadField(JsonObject json) => new()
    {
        Name = json["name"]!.GetValue<string>(),
        Kind = json["kind"]!.GetValue<string>(),
        Description = json["description"]?.GetValue<string>() ?? "",
        IsNullable = Is(json, "nullable"),
        IsRequired = Is(json, "required"),
        Values = Texts(json, "values"),
        References = json["references"]?.GetValue<string>(),
        IsImmutable = Is(json, "immutable"),
        IsWriteOnly = Is(json, "write_only"),
        Default = json["default"]?.DeepClone(),
    };

    private static string[] Segments(JsonObject mount) =>
        mount["path"]!.GetValue<string>().Split('/', StringSplitOptions.RemoveEmptyEntries);

    private static bool Is(JsonObject json, string name) => json[name]?.GetValue<bool>() ?? false;

    private static List<string> Texts(JsonObject json, string name) =>
        json[name] is JsonArray texts ? [.. texts.Select(text => text!.GetValue<string>())] : [];
}
