using System.Text;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>What of all that it may read a client wants to hear of: some tables, some parts of the tree, or everything.</summary>
internal sealed class WatchFilter
{
    private const int MaxPaths = 32;

    private readonly HashSet<string> _tables;
    private readonly byte[][] _paths;

    private WatchFilter(SortedSet<string> tables, SortedSet<string> paths)
    {
        _tables = [.. tables];
        _paths = [.. paths.Select(Encoding.ASCII.GetBytes)];
        Key = string.Join(',', tables) + '\n' + string.Join('\n', paths);
    }

    /// <summary>The same for filters that let the same through.</summary>
    public string Key { get; }

    public bool IsEmpty => _tables.Count == 0 && _paths.Length == 0;

    /// <param name="require">Throws unless the caller may read the place.</param>
    /// <exception cref="ProblemException">A table or a path is not there, or the caller may not read the path.</exception>
    public static WatchFilter Read(IEnumerable<string?> tables, IEnumerable<string?> paths, ResourceTree tree, Action<ResourcePath> require)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            if (table is null || tree.Catalog.Find(table) is not { } entity || !tree.NodesOf(entity).Any(node => node.IsReachable))
                throw new ProblemException(ProblemKind.MalformedRequest, "The parameter table names no table.");
            names.Add(table);
        }
        var places = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            if (path is null || !path.StartsWith('/') || tree.Parse(path.AsSpan(1)) is not { } resource)
                throw new ProblemException(ProblemKind.MalformedRequest, "The parameter path names no place below the root of the API.");
            require(resource);
            places.Add(resource.Uri());
            if (places.Count > MaxPaths)
                throw new ProblemException(ProblemKind.MalformedRequest, $"The parameter path may be given {MaxPaths} times at most.");
        }
        return new WatchFilter(names, places);
    }

    public bool Lets(PublishedRow row, ReadOnlySpan<byte> path)
    {
        if (_tables.Count > 0 && !_tables.Contains(row.Node.Entity.Name))
            return false;
        if (_paths.Length == 0)
            return true;
        foreach (var prefix in _paths)
        {
            if (path.StartsWith(prefix) && (path.Length == prefix.Length || path[prefix.Length] == '/'))
                return true;
        }
        return false;
    }
}
