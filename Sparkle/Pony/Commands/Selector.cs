using System.Text.Json.Nodes;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>A condition on rows, such as <c>state=running</c> or <c>current.status!=running</c>.</summary>
internal sealed record Selector(Column Column, string Value, bool IsNegated)
{
    /// <exception cref="PonyException">It is none, or of a field that is not there.</exception>
    public static Selector Parse(Mount mount, string text)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        if (at <= 0)
            throw PonyException.Usage($"\"{Printable.Of(text)}\" is no condition, such as state=running.");
        var isNegated = text[at - 1] == '!';
        return new Selector(Column.Find(mount, text[..(isNegated ? at - 1 : at)]), text[(at + 1)..], isNegated);
    }

    /// <summary>A field that is absent equals the empty text.</summary>
    public bool Holds(string key, JsonNode? row) => (Column.Text(Column.Value(key, row)) == Value) != IsNegated;
}
