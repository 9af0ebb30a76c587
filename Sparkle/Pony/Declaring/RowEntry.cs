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
    private static readonly string[] Reported = ["current", "stale_since"];

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
        return new RowEntry(mount, name, pointer, desired, children);
    }

    private static void AddChildren(DocumentFile file, Mount mount, JsonObject row, string pointer, List<(Mount, JsonObject, string)> children)
    {
        foreach (var (member, value) in row)
        {
            var below = $"{pointer}/{Location.Escape(member)}";
            if (member == "desired" || Reported.Contains(member))
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
