using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api;

/// <summary>All paths of the API, made from the mounts of the catalog.</summary>
public sealed class ResourceTree
{
    private readonly Dictionary<string, ResourceNode> _roots = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ResourceNode>.AlternateLookup<ReadOnlySpan<char>> _rootsBySpan;
    private readonly ResourceNode[][] _byEntity;

    /// <exception cref="InvalidOperationException">A mount cannot be served; the message names it.</exception>
    public ResourceTree(EntityCatalog catalog)
    {
        Catalog = catalog;
        var all = new Dictionary<string, ResourceNode>(StringComparer.Ordinal);
        foreach (var (entity, mount) in catalog.Mounts.OrderBy(found => found.Mount.Segments.Count))
        {
            var parent = mount.Segments.Count == 1 ? null : all[mount.Path[..mount.Path.LastIndexOf('/')]];
            var node = new ResourceNode(entity, mount, parent);
            all.Add(mount.Path, node);
            if (parent is null)
                _roots.Add(node.Segment, node);
            else
                parent.Add(node);
        }
        All = [.. all.Values];
        _rootsBySpan = _roots.GetAlternateLookup<ReadOnlySpan<char>>();
        _byEntity = [.. catalog.All.Select(entity => All.Where(node => node.Entity == entity).ToArray())];
    }

    public EntityCatalog Catalog { get; }

    public IReadOnlyList<ResourceNode> All { get; }

    /// <summary>The collection of this name at the root.</summary>
    public ResourceNode? Root(ReadOnlySpan<char> segment) => _rootsBySpan.TryGetValue(segment, out var root) ? root : null;

    /// <summary>Every place at which rows of the entity are found.</summary>
    public IReadOnlyList<ResourceNode> NodesOf(Entity entity) => _byEntity[entity.Ordinal];

    /// <summary>
    /// Takes a path apart, such as <c>tenant/{uuid}/instance</c>: percent-encoded segments, a slash at the end is
    /// optional. Null when no mount has this path, or a key in it can be no row's.
    /// </summary>
    public ResourcePath? Parse(ReadOnlySpan<char> path)
    {
        if (path.EndsWith("/"))
            path = path[..^1];
        ResourceNode? node = null;
        List<string>? keys = null;
        while (!path.IsEmpty)
        {
            var segment = Next(ref path, out var more);
            node = node is null ? Root(segment) : node.Child(segment);
            if (node is null || node.Mount.Access == Access.Private)
                return null;
            if (!more)
                return new ResourcePath(node, keys ?? [], IsRow: false);
            var key = Next(ref path, out more);
            if (node.Normalize(Decode(key)) is not { } normal)
                return null;
            (keys ??= new List<string>(2)).Add(normal);
            if (!more)
                return new ResourcePath(node, keys, IsRow: true);
        }
        return null;
    }

    private static ReadOnlySpan<char> Next(ref ReadOnlySpan<char> path, out bool more)
    {
        var slash = path.IndexOf('/');
        var segment = slash < 0 ? path : path[..slash];
        more = slash >= 0;
        path = more ? path[(slash + 1)..] : default;
        return segment;
    }

    private static string Decode(ReadOnlySpan<char> segment) =>
        segment.Contains('%') ? Uri.UnescapeDataString(segment) : segment.ToString();
}

/// <summary>What a path names: a row, or the collection of rows under a parent.</summary>
/// <param name="Keys">The keys in the path, the outermost first; the last one is the row's own if it names a row.</param>
public sealed record ResourcePath(ResourceNode Node, IReadOnlyList<string> Keys, bool IsRow)
{
    /// <summary>The key of the row under which the collection or the row is; null at the root.</summary>
    public string? ParentKey => Node.Depth == 0 ? null : Keys[Node.Depth - 1];

    public string? Tenant => KeyAt(Node.TenantDepth);

    public string? User => KeyAt(Node.UserDepth);

    /// <summary>The key of the row that the path names.</summary>
    public RowKey RowKey => Node.KeyFor(Keys[^1], ParentKey);

    /// <summary>Whether every row on the way is there and belongs to the one before it; the last one only when the path names a row.</summary>
    /// <param name="row">The row that the path names; null for a collection.</param>
    public bool TryFind(StateSnapshot snapshot, out Row? row)
    {
        row = null;
        return (Node.Parent is null || Exists(snapshot, Node.Parent))
            && (!IsRow || (row = Find(snapshot, Node)) is not null);
    }

    /// <summary>The path of the collection, as a URI path below the root of the API.</summary>
    public string CollectionUri()
    {
        var text = new System.Text.StringBuilder();
        for (var depth = 0; depth <= Node.Depth; depth++)
        {
            text.Append('/').Append(Node.Mount.Segments[depth]);
            if (depth < Node.Depth)
                text.Append('/').Append(System.Uri.EscapeDataString(Keys[depth]));
        }
        return text.ToString();
    }

    /// <summary>The path, as a URI path below the root of the API.</summary>
    public string Uri() => IsRow ? $"{CollectionUri()}/{System.Uri.EscapeDataString(Keys[^1])}" : CollectionUri();

    private string? KeyAt(int depth) => depth >= 0 && depth < Keys.Count ? Keys[depth] : null;

    private bool Exists(StateSnapshot snapshot, ResourceNode node) =>
        (node.Parent is null || Exists(snapshot, node.Parent)) && Find(snapshot, node) is not null;

    private Row? Find(StateSnapshot snapshot, ResourceNode node)
    {
        var parentKey = node.Depth == 0 ? null : Keys[node.Depth - 1];
        return snapshot[node.Entity].Find(node.KeyFor(Keys[node.Depth], parentKey)) is { } row && node.Holds(row, parentKey) ? row : null;
    }
}
