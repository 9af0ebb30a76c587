using System.Collections.Immutable;

namespace PonyCloud.Twilight.Metadata.Documents;

/// <summary>A place in the tree that guests read by HTTP.</summary>
public abstract record MetadataNode
{
    private MetadataNode()
    {
    }

    /// <summary>Something to read.</summary>
    public sealed record Leaf(string Content, string ContentType = Leaf.Plain) : MetadataNode
    {
        public const string Plain = "text/plain; charset=utf-8";
        public const string Json = "application/json";
    }

    /// <summary>A directory.</summary>
    /// <param name="Listing">What is read of itself: the names in it, a line each.</param>
    public sealed record Branch(ImmutableSortedDictionary<string, MetadataNode> Children, string Listing) : MetadataNode
    {
        /// <summary>Of what there is; what is null is left out.</summary>
        /// <param name="listing">The names; those of the children unless given, a slash behind directories.</param>
        public static Branch Of(IEnumerable<(string Name, MetadataNode? Node)> children, IEnumerable<string>? listing = null)
        {
            var there = children.Where(child => child.Node is not null)
                .ToImmutableSortedDictionary(child => child.Name, child => child.Node!, StringComparer.Ordinal);
            return new Branch(there, string.Join('\n', listing ?? there.Select(child => child.Value is Branch ? child.Key + "/" : child.Key)));
        }
    }

    /// <summary>What is at a path below; null when there is nothing.</summary>
    public MetadataNode? Find(ReadOnlySpan<string> path)
    {
        var node = this;
        foreach (var name in path)
        {
            if (node is not Branch branch || !branch.Children.TryGetValue(name, out node))
                return null;
        }
        return node;
    }

    /// <summary>A leaf of some text; null when there is none.</summary>
    internal static MetadataNode? Of(string? text) => string.IsNullOrEmpty(text) ? null : new Leaf(text);

    /// <summary>A leaf with a line each; null when there are none.</summary>
    internal static MetadataNode? Lines(IEnumerable<string> lines) => Of(string.Join('\n', lines));
}
