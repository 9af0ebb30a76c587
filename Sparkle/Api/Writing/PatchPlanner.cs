using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Turns a JSON Patch on a row or on a collection into writes, by applying it to the document that a reader sees.</summary>
internal sealed class PatchPlanner(DraftReader draftReader, RecordReader records, JsonBuffers buffers)
{
    /// <exception cref="ProblemException">It is no JSON Patch.</exception>
    public static IReadOnlyList<PatchOperation> Read(JToken body)
    {
        if (body is not JArray array)
            throw new ProblemException(ProblemKind.MalformedPatch, "A JSON Patch is an array of operations.", "");
        try
        {
            return JsonPatch.Read(array);
        }
        catch (JsonPatchException exception)
        {
            throw Failed(exception);
        }
    }

    /// <summary>A patch of one row: the document is the row with its desired part.</summary>
    public List<PlannedWrite> PlanRow(ResourceNode node, Row row, IReadOnlyList<PatchOperation> patch, WriteScope scope)
    {
        if (row.Desired is null)
            throw ApiEndpoint.NoSuchRow();
        var before = Document(node, row);
        var after = Apply(before, patch)
            ?? throw new ProblemException(ProblemKind.PatchFailed, "A patch of a row cannot remove the row. DELETE does.", LastPointer(patch));
        var writes = new List<PlannedWrite>();
        PlanUpdate(node, row, after, "", writes, scope);
        return Placed(writes, patch, scope);
    }

    /// <summary>A patch of a collection: the document is an object of rows, to which rows can be added and removed.</summary>
    public List<PlannedWrite> PlanCollection(
        ResourcePath path, IReadOnlyList<PatchOperation> patch, WriteScope scope, Func<List<Draft>, List<PlannedWrite>> inserts)
    {
        var node = path.Node;
        var rows = Touched(path, patch, scope.Snapshot);
        var before = new JObject();
        foreach (var (name, row) in rows)
            before.Add(name, Document(node, row));
        if (Apply(before, patch) is not JObject after)
            throw new ProblemException(ProblemKind.PatchFailed, "A collection must stay an object of rows.", LastPointer(patch));

        var deletes = new List<PlannedWrite>();
        var updates = new List<PlannedWrite>();
        var drafts = new List<Draft>();
        foreach (var member in after.Properties())
        {
            var pointer = $"/{JsonPointer.Escape(member.Name)}";
            if (!rows.TryGetValue(member.Name, out var row))
                draftReader.Read(node, member.Value, pointer, member.Name, path.ParentKey, (path.Tenant, path.User), drafts, scope);
            else if (!JsonPatch.AreEqual(before[member.Name]!, member.Value))
                PlanUpdate(node, row, member.Value, pointer, updates, scope);
        }
        foreach (var (name, row) in rows)
        {
            if (!after.ContainsKey(name))
                deletes.Add(new PlannedWrite(new RowWrite.Delete(node.Entity, row.Key), $"/{JsonPointer.Escape(name)}"));
        }
        // Rows go before others take their names, and change before new ones refer to them.
        return Placed([.. deletes, .. updates, .. inserts(drafts)], patch, scope);
    }

    private void PlanUpdate(ResourceNode node, Row row, JToken after, string pointer, List<PlannedWrite> writes, WriteScope scope)
    {
        if (after is not JObject document)
        {
            scope.Fail(pointer, ProblemKind.WrongType, "A row must stay an object with the member desired.");
            return;
        }
        foreach (var member in document.Properties().Where(member => member.Name != "desired"))
            scope.Fail($"{pointer}/{JsonPointer.Escape(member.Name)}", ProblemKind.UnknownField, "Only the desired part of a row can be changed.");
        if (document["desired"] is not JObject desired)
        {
            scope.Fail($"{pointer}/desired", ProblemKind.MissingField, "A row needs the member desired, an object.");
            return;
        }
        var record = records.ReadChanged(node, desired, row.Desired!, pointer, scope);
        if (!Equals(record, row.Desired))
            writes.Add(new PlannedWrite(new RowWrite.Update(node.Entity, row.Key, row.Desired!, record), pointer));
    }

    // Only the rows that the patch speaks of are made into a document, since a collection can be large.
    private static SortedDictionary<string, Row> Touched(ResourcePath path, IReadOnlyList<PatchOperation> patch, StateSnapshot snapshot)
    {
        var node = path.Node;
        var rows = new SortedDictionary<string, Row>(StringComparer.Ordinal);
        var pointers = patch.Select(operation => operation.Path).Concat(patch.Select(operation => operation.From).OfType<JsonPointer>()).ToList();
        if (pointers.Any(pointer => pointer.Tokens.Count == 0))
        {
            foreach (var row in node.Rows(snapshot, path.ParentKey).Where(row => row.Desired is not null))
                rows.Add(node.SegmentOf(row.Key), row);
            return rows;
        }
        foreach (var name in pointers.Select(pointer => pointer.Tokens[0]).Distinct())
        {
            if (node.Normalize(name) is { } key
                && snapshot[node.Entity].Find(node.KeyFor(key, path.ParentKey)) is { Desired: not null } row
                && node.Holds(row, path.ParentKey))
            {
                rows.TryAdd(name, row);
            }
        }
        return rows;
    }

    private JObject Document(ResourceNode node, Row row)
    {
        var buffer = buffers.Get();
        try
        {
            node.Write(buffer.Json, RowPart.Desired, row.Desired!);
            buffer.Json.Flush();
            return new JObject { ["desired"] = StrictJson.Parse(buffer.Bytes.WrittenSpan) };
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    private static JToken? Apply(JToken document, IReadOnlyList<PatchOperation> patch)
    {
        try
        {
            return JsonPatch.Apply(document, patch);
        }
        catch (JsonPatchException exception)
        {
            throw Failed(exception);
        }
    }

    // Pointers so far are into the patched document; the client sent a patch, and is told which operation of it was wrong.
    private static List<PlannedWrite> Placed(List<PlannedWrite> writes, IReadOnlyList<PatchOperation> patch, WriteScope scope)
    {
        for (var i = 0; i < scope.Errors.Count; i++)
            scope.Errors[i] = scope.Errors[i] with { Pointer = InPatch(scope.Errors[i].Pointer, patch) };
        return writes;
    }

    /// <summary>Where in the patch a place of the patched document comes from: the last operation that wrote it or above it.</summary>
    internal static string InPatch(string pointer, IReadOnlyList<PatchOperation> patch)
    {
        var place = JsonPointer.TryParse(pointer)!;
        for (var i = patch.Count - 1; i >= 0; i--)
        {
            var operation = patch[i];
            if (operation.Kind == PatchOperationKind.Test)
                continue;
            if (operation.Path.IsPrefixOf(place))
            {
                var rest = place.Tokens.Skip(operation.Path.Tokens.Count).Select(token => $"/{JsonPointer.Escape(token)}");
                return operation.Value is null ? $"/{i}" : $"/{i}/value{string.Concat(rest)}";
            }
            if (place.IsPrefixOf(operation.Path) || operation.From is { } from && place.IsPrefixOf(from))
                return $"/{i}";
        }
        return "";
    }

    private static string LastPointer(IReadOnlyList<PatchOperation> patch) => $"/{Math.Max(0, patch.Count - 1)}";

    private static ProblemException Failed(JsonPatchException exception) =>
        new(exception.Kind, exception.Message, $"/{exception.Index}");
}
