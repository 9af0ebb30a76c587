using Newtonsoft.Json.Linq;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>A row of the document as it was before the patch.</summary>
/// <param name="Before">What its mount shows of it; null when it is only on the way to others.</param>
internal sealed record PatchedRow(RowPlace Place, Row Row, JObject? Before)
{
    /// <summary>Whether it can be changed and removed; what was only reported or derived cannot.</summary>
    public bool IsStored => Place.Path.Node.Entity.IsStored && Row.Desired is not null;
}

/// <summary>
/// The document that a patch is applied to. It holds what the caller may read of the rows that the patch speaks of, and
/// no others: the platform has many more rows than a patch has operations. A row that the caller must not know of is
/// missing like one that does not exist.
/// </summary>
internal sealed class PatchedRows(RowDocuments documents, WriteScope scope, int maxRows)
{
    private readonly Dictionary<string, PatchedRow> _rows = new(StringComparer.Ordinal);

    public IReadOnlyCollection<PatchedRow> All => _rows.Values;

    /// <summary>The document. It shares nothing with <see cref="PatchedRow.Before"/>.</summary>
    public JObject Document { get; } = [];

    public PatchedRow? Find(string pointer) => _rows.GetValueOrDefault(pointer);

    /// <summary>Takes in whatever is at the place. The scope has an error afterwards when the caller may not read there.</summary>
    public void Load(Place place, string source)
    {
        if (place.Path is null)
            return;
        var decision = AccessPolicy.Decide(scope.Caller, place.Path, Operation.Read);
        if (decision.Verdict == Verdict.Forbidden)
            scope.Fail(source, ProblemKind.Forbidden, decision.Why);
        if (decision.Verdict != Verdict.Allowed)
            return;
        for (var i = 0; i < place.Rows.Count; i++)
        {
            var isOnTheWay = place.Kind == PlaceKind.Collection || i < place.Rows.Count - 1;
            if (!TryLoad(place.Rows[i], isOnTheWay))
                return;
        }
        if (place.Kind == PlaceKind.Collection)
            LoadCollection(place, place.Path, source);
    }

    /// <summary>Makes the collections on the way that the document does not show yet, as far as their rows are there.</summary>
    public static void EnsureCollections(JToken? document, Place place)
    {
        var at = document;
        for (var i = 0; i < place.Pointer.Tokens.Count && at is JObject parent; i++)
        {
            var token = place.Pointer.Tokens[i];
            if (parent[token] is null && place.Containers.Contains(i))
                parent[token] = new JObject();
            at = parent[token];
        }
    }

    private bool TryLoad(RowPlace place, bool isOnTheWay)
    {
        if (_rows.TryGetValue(place.Pointer.Text, out var known) && (isOnTheWay || known.Before is not null))
            return true;
        var row = known?.Row ?? Find(place.Path);
        if (row is null)
            return false;
        var before = isOnTheWay ? null : documents.Of(scope.Snapshot, place.Path.Node, row);
        _rows[place.Pointer.Text] = new PatchedRow(place, row, before);
        var shown = At(place.Pointer);
        foreach (var member in before?.Properties() ?? [])
            shown[member.Name] = member.Value.DeepClone();
        return true;
    }

    private Row? Find(ResourcePath path)
    {
        var node = path.Node;
        return node.Normalize(path.Keys[^1]) is { } key
            && scope.Snapshot[node.Entity].Find(node.KeyFor(key, path.ParentKey)) is { } row
            && node.Holds(row, path.ParentKey)
                ? row
                : null;
    }

    private void LoadCollection(Place place, ResourcePath path, string source)
    {
        At(place.Pointer);
        var node = path.Node;
        foreach (var row in RowSource.Find(scope.Snapshot, scope.Caller, node, path.ParentKey, []))
        {
            if (_rows.Count >= maxRows)
            {
                scope.Fail(source, ProblemKind.PatchFailed, $"A patch can speak of at most {maxRows} rows, and with this collection there are more.");
                return;
            }
            var key = node.SegmentOf(row.Key);
            TryLoad(new RowPlace(new ResourcePath(node, [.. path.Keys, key], IsRow: true), place.Pointer.Below(key)), isOnTheWay: false);
        }
    }

    private JObject At(JsonPointer pointer)
    {
        var at = Document;
        foreach (var token in pointer.Tokens)
            at = at[token] as JObject ?? Added(at, token);
        return at;
    }

    private static JObject Added(JObject parent, string name)
    {
        var made = new JObject();
        parent[name] = made;
        return made;
    }
}
