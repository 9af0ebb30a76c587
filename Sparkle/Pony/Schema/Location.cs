using System.Text;

namespace PonyCloud.Pony.Schema;

/// <summary>A row, or a collection of rows, by its keys.</summary>
/// <param name="Keys">Of the rows on the way, the outermost first; one more when it is a row.</param>
internal sealed record Location(Mount Mount, IReadOnlyList<string> Keys)
{
    public bool IsRow => Keys.Count == Chain(Mount).Count;

    /// <summary>The row's key.</summary>
    public string Key => IsRow ? Keys[^1] : throw new InvalidOperationException($"{Path} is no row.");

    /// <summary>Below the root of the API.</summary>
    public string Path
    {
        get
        {
            var text = new StringBuilder();
            var chain = Chain(Mount);
            for (var depth = 0; depth < chain.Count; depth++)
            {
                text.Append('/').Append(chain[depth].Segment);
                if (depth < Keys.Count)
                    text.Append('/').Append(Uri.EscapeDataString(Keys[depth]));
            }
            return text.ToString();
        }
    }

    /// <summary>The same as a JSON pointer into the document that the whole database is.</summary>
    public string Pointer
    {
        get
        {
            var text = new StringBuilder();
            var chain = Chain(Mount);
            for (var depth = 0; depth < chain.Count; depth++)
            {
                text.Append('/').Append(Escape(chain[depth].Segment));
                if (depth < Keys.Count)
                    text.Append('/').Append(Escape(Keys[depth]));
            }
            return text.ToString();
        }
    }

    public Location Row(string key) => IsRow ? throw new InvalidOperationException($"{Path} is a row.") : this with { Keys = [.. Keys, key] };

    public Location Child(Mount mount) => new(mount, Keys);

    /// <summary>The collection that the row is in.</summary>
    public Location Collection => IsRow ? this with { Keys = [.. Keys.Take(Keys.Count - 1)] } : this;

    /// <summary>Escapes a token of a JSON pointer (RFC 6901).</summary>
    public static string Escape(string token) => token.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private static List<Mount> Chain(Mount mount)
    {
        var chain = new List<Mount>();
        for (var at = mount; at is not null; at = at.Parent)
            chain.Insert(0, at);
        return chain;
    }
}
