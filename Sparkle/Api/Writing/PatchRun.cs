using Newtonsoft.Json.Linq;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Applies the steps of a patch to the document of its rows. Inside a row that is plain JSON; a row and a collection are
/// more than their JSON, since they have children that the document does not show, and cannot be without a key.
/// </summary>
internal sealed class PatchRun(PatchedRows rows, WriteScope scope)
{
    private readonly PatchedDocument _document = new(rows.Document);
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private readonly List<PatchStep> _verified = [];

    public JToken Document => _document.Root!;

    /// <summary>What is to be verified once the outcome is known.</summary>
    public IReadOnlyList<PatchStep> Verified => _verified;

    /// <summary>Whether a row was removed, even if there is one in its place again.</summary>
    public bool IsRemoved(string pointer) => _removed.Contains(pointer);

    /// <summary>Applies the steps in order, up to the first that cannot be applied; the scope has the errors.</summary>
    public void Apply(IEnumerable<PatchStep> steps)
    {
        foreach (var step in steps)
        {
            try
            {
                Apply(step);
            }
            catch (PatchFailedException exception)
            {
                scope.Fail(step.Source, exception.Kind, exception.Message);
                // What comes behind a test can be judged without it, what comes behind a change cannot.
                if (exception.Kind != ProblemKind.TestFailed)
                    return;
            }
        }
    }

    private void Apply(PatchStep step)
    {
        PatchedRows.EnsureCollections(_document.Root, step.Place);
        if (step.Kind == PatchOperationKind.Verify)
            _verified.Add(step);
        else if (step.Place.Kind == PlaceKind.Collection)
            ApplyToCollection(step);
        else if (step.Place.Kind == PlaceKind.Row)
            ApplyToRow(step);
        else if (step.From is { Kind: PlaceKind.Row } row)
            Apply(PatchOperationKind.Add, step.Place, WithoutChildren(row, step.Place));
        else
            _document.Apply(step.Operation, LevelsAbove(step.Place));
    }

    private void ApplyToCollection(PatchStep step)
    {
        if (step.IsLenient && _document.Find(step.Place.Pointer) is null)
            return;
        if (_document.Get(step.Place.Pointer) is not JObject collection)
            throw new PatchFailedException("There is no such collection.");
        if (step.Kind == PatchOperationKind.Remove)
        {
            foreach (var member in collection.Properties())
                NoteRemoval(step.Place.Pointer.Below(member.Name));
            collection.RemoveAll();
        }
        else if (step.Value is not JObject expected
            || expected.Count != collection.Count
            || !collection.Properties().All(member => expected[member.Name] is { } row && IsShownAs(member.Value, row)))
        {
            throw new PatchFailedException("The collection is another one.", ProblemKind.TestFailed);
        }
    }

    private void ApplyToRow(PatchStep step)
    {
        var pointer = step.Place.Pointer;
        switch (step.Kind)
        {
            case PatchOperationKind.Add:
                Put(step.Place, step.Value!.DeepClone());
                break;
            case PatchOperationKind.Replace:
                _document.Get(pointer);
                Put(step.Place, step.Value!.DeepClone());
                break;
            case PatchOperationKind.Copy:
                Put(step.Place, step.From!.Kind == PlaceKind.Row
                    ? NewRow(step.From, step.Place)
                    : _document.Copy(_document.Get(step.From.Pointer), level: 0));
                break;
            case PatchOperationKind.Merge:
                if (_document.Find(pointer) is null)
                    Apply(PatchOperationKind.Add, step.Place, new JObject());
                break;
            case PatchOperationKind.Move:
                _document.Get(pointer);
                break;
            case PatchOperationKind.Remove:
                if (step.IsLenient && _document.Find(pointer) is null)
                    break;
                _document.Apply(step.Operation);
                NoteRemoval(pointer);
                break;
            case PatchOperationKind.Test:
                if (!IsShownAs(_document.Get(pointer), step.Value!))
                    throw new PatchFailedException("The row is another one.", ProblemKind.TestFailed);
                break;
            default:
                throw new InvalidOperationException($"{step.Kind} is no operation on a row.");
        }
    }

    // A row that is there keeps its children and what was reported of it; the value is what is ordered.
    private void Put(Place place, JToken value)
    {
        if (_document.Find(place.Pointer) is not { } there)
        {
            Apply(PatchOperationKind.Add, place, value);
            return;
        }
        if (there is not JObject existing || value is not JObject row)
            throw new PatchFailedException("A row must be an object with the member desired.", ProblemKind.WrongType);
        if (row.ContainsKey(PatchPlaces.Children))
            throw new PatchFailedException("The row is there already, so its children are patched at paths of their own.");
        if (!row.ContainsKey("desired"))
            existing.Remove("desired");
        foreach (var member in row.Properties())
        {
            _document.Apply(
                new PatchOperation(PatchOperationKind.Add, place.Pointer.Below(member.Name), null, member.Value), LevelsAbove(place));
        }
    }

    // The key and the parent are those of the place where it comes to.
    private JObject NewRow(Place from, Place to)
    {
        if (_document.Get(from.Pointer) is not JObject { } source || source["desired"] is not JObject original)
            throw new PatchFailedException("The row has no desired part that could be copied.");
        var desired = (JObject)_document.Copy(original, level: 1);
        var node = to.Row.Path.Node;
        if (from.Row.Path.Node.Entity == node.Entity)
        {
            var there = _document.Find(to.Pointer.Below("desired")) as JObject;
            foreach (var column in node.Entity.KeyColumns.Append(node.Mount.ParentColumn).OfType<string>().Distinct())
            {
                if (there?[column] is { } own)
                    desired[column] = own.DeepClone();
                else
                    desired.Remove(column);
            }
        }
        return new JObject { ["desired"] = desired };
    }

    private JObject WithoutChildren(Place row, Place to)
    {
        var copy = new JObject();
        if (_document.Get(row.Pointer) is JObject source)
        {
            foreach (var member in source.Properties().Where(member => member.Name != PatchPlaces.Children))
                copy[member.Name] = _document.Copy(member.Value, to.Inside.Count() + 1);
        }
        return copy;
    }

    private void Apply(PatchOperationKind kind, Place place, JToken value) =>
        _document.Apply(new PatchOperation(kind, place.Pointer, null, value), LevelsAbove(place));

    private void NoteRemoval(JsonPointer pointer)
    {
        if (rows.Find(pointer.Text) is not null)
            _removed.Add(pointer.Text);
    }

    // As a GET of the row answers: its children are no part of it.
    private static bool IsShownAs(JToken row, JToken expected) =>
        row is JObject shown && expected is JObject value
        && value.Count == shown.Count - (shown.ContainsKey(PatchPlaces.Children) ? 1 : 0)
        && value.Properties().All(member =>
            member.Name != PatchPlaces.Children && shown[member.Name] is { } own && JsonPatch.AreEqual(own, member.Value));

    private static int LevelsAbove(Place place) => place.Row.Pointer.Tokens.Count;
}
