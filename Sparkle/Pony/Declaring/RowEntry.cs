using System.Text.Json.Nodes;
using PonyCloud.Pony.Files;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Declaring;

/// <summary>
/// A row as a file has it, in the form in which the API shows the whole document: <c>desired</c>, and collections by
/// their names. What is only reported is left aside, so that what <c>pony get /</c> wrote can be applied.
/// </summary>
/// <param name="Name">Its key in the collection: a name, or a key.</param>
internal sealed record RowEntry(Mount Mount, string Name, string Pointer, JsonObject Desired, IReadOnlyList<(Mount Mount, JsonObject Rows, string Pointer)> Children)
{
    private const string FromTemplate = "template";

    private static readonly string[] Reported = ["current", "stale_since"];

    /// <summary>The name or the key of the template that it is made from, when it is made; null for none.</summary>
    public string? Template { get; init; }

    /// <exception cref="PonyException">It is no row.</exception>
    public static RowEntry Read(DocumentFile file, Mount mount, string name, JsonNode? node, string pointer)
    {
        if (node is not (null or JsonObject))
            throw file.Wrong(pointer, $"must be a row, an object with desired, and collections below it.");
        var row = node as JsonObject ?? [];
        if (row["desired"] is not (null or JsonObject))
            throw file.Wrong(pointer + "/desired", "must be an object.");
        var desired = (row["desired"] as JsonObject ?? []).DeepClone().AsObject();
        foreach (var (field, _) in desired)
        {
            if (mount.Entity.FindDesired(field) is null)
            {
                throw file.Wrong(
                    $"{pointer}/desired/{Location.Escape(field)}",
                    $"nothing of the kind can be ordered of a {mount.Entity.Name}, only {string.Join(", ", mount.Entity.Desired.Select(known => known.Name))}.");
            }
        }
        var children = new List<(Mount, JsonObject, string)>();
        AddChildren(file, mount, row, pointer, children);
        return new RowEntry(mount, name, pointer, desired, children) { Template = ReadTemplate(file, mount, row, pointer) };
    }

    private static string? ReadTemplate(DocumentFile file, Mount mount, JsonObject row, string pointer)
    {
        if (!mount.TakesTemplate || !row.TryGetPropertyValue(FromTemplate, out var node))
            return null;
        return node is JsonValue value && value.TryGetValue<string>(out var text)
            ? text
            : throw file.Wrong($"{pointer}/{FromTemplate}", "must be the name or the uuid of a template.");
    }

    private static void AddChildren(DocumentFile file, Mount mount, JsonObject row, string pointer, List<(Mount, JsonObject, string)> children)
    {
        foreach (var (member, value) in row)
        {
            var below = $"{pointer}/{Location.Escape(member)}";
            if (member == "desired" || Reported.Contains(member) || (member == FromTemplate && mount.TakesTemplate))
                continue;
            // The form in which the API takes new rows says it too.
            if (member == "children" && value is JsonObject collections)
                AddChildren(file, mount, collections, below, children);
            else if (mount.Child(member) is { } child)
                children.Add((child, value as JsonObject ?? (value is null ? [] : throw file.Wrong(below, "must be a collection, an object of rows.")), below));
            else
                throw file.Wrong(below, $"a {mount.Entity.Name} has desired{string.Concat(mount.Children.Keys.Select(segment => ", " + segment))} and nothing else.");
        }
    }
}
