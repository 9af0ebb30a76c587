using System.Text.Json.Nodes;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Declaring;

/// <summary>
/// A plan as one JSON Patch of the root, so that all of it is done or none. A value that is to be replaced is tested first:
/// what was printed is what is done, or nothing is.
/// </summary>
internal sealed class PlanPatch
{
    // Where a pointer into the patch begins, and what stands in the file there.
    private readonly List<(string Prefix, string Pointer)> _origins = [];

    public PlanPatch(IEnumerable<Change> changes)
    {
        foreach (var change in changes)
            Add(change);
    }

    public JsonArray Operations { get; } = [];

    /// <summary>The place in the file that a pointer into the patch comes from; null when it comes from none.</summary>
    public string? Origin(string pointer)
    {
        var found = _origins.Where(origin => IsPrefix(origin.Prefix, pointer)).MaxBy(origin => origin.Prefix.Length);
        return found.Prefix is null ? null : found.Pointer + pointer[found.Prefix.Length..];

        static bool IsPrefix(string prefix, string pointer) =>
            pointer.StartsWith(prefix, StringComparison.Ordinal) && (pointer.Length == prefix.Length || pointer[prefix.Length] == '/');
    }

    private void Add(Change change)
    {
        switch (change)
        {
            case Change.Create create:
                Operation("add", create.Collection.Pointer + "/" + Location.Escape(create.Row.Key), create.Pointer, create.Row.ToJson());
                Trace(create.Row, $"/{Operations.Count - 1}/value");
                break;
            case Change.Update update:
                foreach (var field in update.Fields)
                {
                    var path = $"{update.Row.Pointer}/desired/{Location.Escape(field.Field.Name)}";
                    var pointer = $"{update.Pointer}/desired/{Location.Escape(field.Field.Name)}";
                    if (field.Before is not null)
                        Operation("test", path, pointer, field.Before.DeepClone());
                    if (field.After is null)
                        Operation("remove", path, pointer, null);
                    else
                        Operation("add", path, pointer, field.After.DeepClone());
                    _origins.Add(($"/{Operations.Count - 1}/value", pointer));
                }
                break;
            case Change.Remove remove:
                Operation("remove", remove.Row.Pointer, remove.Pointer, null);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(change));
        }
    }

    private void Operation(string op, string path, string pointer, JsonNode? value)
    {
        var operation = new JsonObject { ["op"] = op, ["path"] = path };
        if (value is not null)
            operation["value"] = value;
        Operations.Add(operation);
        _origins.Add(($"/{Operations.Count - 1}", pointer));
    }

    private void Trace(NewRow row, string prefix)
    {
        _origins.Add((prefix, row.Pointer));
        foreach (var child in row.Children)
            Trace(child, $"{prefix}/children/{Location.Escape(child.Mount.Segment)}/{Location.Escape(child.Key)}");
    }
}
