using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>What a pointer of a patch leads to.</summary>
internal enum PlaceKind
{
    Root,
    Collection,
    Row,

    /// <summary>A part of a row, or something in it.</summary>
    Inside,
}

/// <summary>A row on the way of a pointer.</summary>
/// <param name="Path">Its path; a key in it may be the placeholder of a new row.</param>
/// <param name="Pointer">Where it is in the document.</param>
internal sealed record RowPlace(ResourcePath Path, JsonPointer Pointer);

/// <summary>A place in the tree of all rows.</summary>
/// <param name="Path">The collection, or the row that it is or is in; null for the root.</param>
/// <param name="Pointer">Where it is in the document.</param>
/// <param name="Rows">The rows on the way, the outermost first; for a row or what is in it that row is the last.</param>
/// <param name="Containers">How far into the pointer the collections lie that rows can be added to.</param>
internal sealed record Place(
    PlaceKind Kind, ResourcePath? Path, JsonPointer Pointer, IReadOnlyList<RowPlace> Rows, IReadOnlyList<int> Containers)
{
    /// <summary>The row that it is or is in.</summary>
    public RowPlace Row => Kind is PlaceKind.Row or PlaceKind.Inside
        ? Rows[^1]
        : throw new InvalidOperationException($"{Pointer} is in no row.");

    /// <summary>The way from the row on.</summary>
    public IEnumerable<string> Inside => Pointer.Tokens.Skip(Row.Pointer.Tokens.Count);
}

/// <summary>
/// Reads pointers of a patch. They are URL paths below the path of the request: collections and keys in turn, and then
/// what is in a row. In the document that a patch is applied to, collections lie in a member <c>children</c> of their
/// row, as they do in the value of an operation that makes one.
/// </summary>
internal sealed class PatchPlaces(ResourceTree tree, ResourcePath? start)
{
    public const string Children = "children";

    /// <summary>Null when nothing in the tree can have this path.</summary>
    public Place? Find(JsonPointer pointer)
    {
        var node = start?.Node;
        var keys = start?.Keys.ToList() ?? [];
        var rows = new List<RowPlace>(3);
        var containers = new List<int>(6);
        var way = new List<string>(pointer.Tokens.Count + 3);
        var kind = start is null ? PlaceKind.Root : start.IsRow ? PlaceKind.Row : PlaceKind.Collection;
        if (kind == PlaceKind.Row)
            rows.Add(new RowPlace(start!, JsonPointer.Of([])));
        foreach (var token in pointer.Tokens)
        {
            switch (kind)
            {
                case PlaceKind.Collection:
                    var key = node!.Normalize(token) ?? token;
                    keys.Add(key);
                    way.Add(key);
                    rows.Add(new RowPlace(new ResourcePath(node, [.. keys], IsRow: true), JsonPointer.Of(way)));
                    kind = PlaceKind.Row;
                    break;
                case PlaceKind.Root or PlaceKind.Row when Child(node, token) is { } child:
                    if (child.IsWritable)
                        containers.AddRange([way.Count, way.Count + 1]);
                    way.Add(Children);
                    way.Add(token);
                    node = child;
                    kind = PlaceKind.Collection;
                    break;
                case PlaceKind.Row when token != Children:
                    way.Add(token);
                    kind = PlaceKind.Inside;
                    break;
                case PlaceKind.Inside:
                    way.Add(token);
                    break;
                default:
                    return null;
            }
        }
        var path = node is null ? null : new ResourcePath(node, keys, IsRow: kind is PlaceKind.Row or PlaceKind.Inside);
        return new Place(kind, path, JsonPointer.Of(way), rows, containers);
    }

    /// <summary>The collection of this name at the root or under a row.</summary>
    public ResourceNode? Child(ResourceNode? parent, string segment) =>
        (parent is null ? tree.Root(segment) : parent.Child(segment)) is { Mount.Access: not Access.Private } child ? child : null;
}
