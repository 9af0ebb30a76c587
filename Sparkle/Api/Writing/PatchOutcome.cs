using Newtonsoft.Json.Linq;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>A row of the document that the patch changed.</summary>
internal sealed record ChangedRow(PatchedRow Row, JObject Desired);

/// <summary>
/// Compares the patched document with the rows as they were: what is new, what is changed, what is gone. Whether the
/// caller may do each of that is asked here, once it is known what the patch comes down to.
/// </summary>
internal sealed class PatchOutcome(DraftReader draftReader, PatchedRows rows, PatchRun run, WriteScope scope)
{
    private readonly HashSet<string> _visited = new(StringComparer.Ordinal);

    public List<Draft> Drafts { get; } = [];

    public List<ChangedRow> Changed { get; } = [];

    public List<PatchedRow> Gone { get; } = [];

    /// <param name="start">The path of the request; null for the root.</param>
    public void Find(PatchPlaces places, ResourcePath? start)
    {
        var root = JsonPointer.Of([]);
        if (start is null)
            VisitCollections(places, (JObject)run.Document, null, root);
        else if (start.IsRow && rows.Find(root.Text) is not null)
            VisitRow(places, run.Document, start, root);
        else if (start.IsRow)
            return;
        else
            VisitRows(places, run.Document, start, root);
        FindGone();
    }

    private void VisitCollections(PatchPlaces places, JObject row, ResourcePath? path, JsonPointer pointer)
    {
        if (row[PatchPlaces.Children] is not JObject collections)
            return;
        var below = pointer.Below(PatchPlaces.Children);
        foreach (var collection in collections.Properties())
        {
            // Only pointers that lead to collections make members here.
            var node = places.Child(path?.Node, collection.Name)!;
            VisitRows(places, collection.Value, new ResourcePath(node, path?.Keys ?? [], IsRow: false), below.Below(collection.Name));
        }
    }

    private void VisitRows(PatchPlaces places, JToken collection, ResourcePath path, JsonPointer pointer)
    {
        foreach (var row in ((JObject)collection).Properties())
            VisitRow(places, row.Value, new ResourcePath(path.Node, [.. path.Keys, row.Name], IsRow: true), pointer.Below(row.Name));
    }

    private void VisitRow(PatchPlaces places, JToken token, ResourcePath path, JsonPointer pointer)
    {
        _visited.Add(pointer.Text);
        var before = rows.Find(pointer.Text);
        if (before is null || run.IsRemoved(pointer.Text))
        {
            if (before is not null)
                Remove(before);
            Draft(token, path, pointer);
            return;
        }
        if (token is not JObject row)
        {
            scope.Fail(pointer.Text, ProblemKind.WrongType, "A row must stay an object with the member desired.");
            return;
        }
        if (before.Before is { } shown)
            Compare(before, shown, row, path, pointer);
        VisitCollections(places, row, path, pointer);
    }

    private void Compare(PatchedRow before, JObject shown, JObject row, ResourcePath path, JsonPointer pointer)
    {
        var errors = scope.Errors.Count;
        foreach (var name in shown.Properties().Concat(row.Properties()).Select(member => member.Name).Distinct())
        {
            if (name is not ("desired" or PatchPlaces.Children) && !AreEqual(shown[name], row[name]))
                scope.Fail(pointer.Below(name).Text, ProblemKind.UnknownField, "Only the desired part of a row can be changed.");
        }
        if (scope.Errors.Count > errors || AreEqual(shown["desired"], row["desired"]))
            return;
        if (row["desired"] is not JObject desired)
            scope.Fail(pointer.Below("desired").Text, ProblemKind.MissingField, "A row needs the member desired, an object.");
        else if (!before.IsStored)
            Draft(new JObject { ["desired"] = desired.DeepClone() }, path, pointer);
        else if (IsAllowed(path, Operation.Change, pointer))
            Changed.Add(new ChangedRow(before, desired));
    }

    private void Draft(JToken token, ResourcePath path, JsonPointer pointer)
    {
        var collection = path with { IsRow = false, Keys = [.. path.Keys.Take(path.Keys.Count - 1)] };
        if (IsAllowed(collection, Operation.Create, pointer))
            draftReader.Read(path.Node, token, pointer.Text, path.Keys[^1], path.ParentKey, (collection.Tenant, collection.User), Drafts, scope);
    }

    private void FindGone()
    {
        foreach (var row in rows.All.Where(row => row.Before is not null && !_visited.Contains(row.Place.Pointer.Text)))
        {
            if (!GoesAlong(row))
                Remove(row);
        }
    }

    // With a row goes what the schema says, and the document shows only some of it.
    private bool GoesAlong(PatchedRow row)
    {
        var tokens = row.Place.Pointer.Tokens;
        for (var i = 0; i < tokens.Count; i++)
        {
            var above = JsonPointer.Of(tokens.Take(i)).Text;
            if (rows.Find(above) is not null && (run.IsRemoved(above) || !_visited.Contains(above)))
                return true;
        }
        return false;
    }

    private void Remove(PatchedRow row)
    {
        var pointer = row.Place.Pointer;
        if (!row.IsStored)
            scope.Fail(pointer.Text, ProblemKind.PatchFailed, "Nobody ordered the row; it is only reported, and cannot be removed.");
        else if (IsAllowed(row.Place.Path, Operation.Delete, pointer))
            Gone.Add(row);
    }

    private bool IsAllowed(ResourcePath path, Operation operation, JsonPointer pointer) =>
        PatchAccess.IsAllowed(path, operation, pointer.Text, scope);

    private static bool AreEqual(JToken? left, JToken? right) =>
        left is null || right is null ? left is null && right is null : JsonPatch.AreEqual(left, right);
}
