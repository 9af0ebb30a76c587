using Newtonsoft.Json.Linq;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Reads the body of a patch into steps. A merge patch, whether it is the whole body or an <c>x-merge</c>, is taken apart
/// into steps for each of its rows; so there is one way to carry out a patch, whatever it was written as.
/// </summary>
internal sealed class PatchReader(PatchPlaces places, int maxOperations)
{
    private readonly List<PatchStep> _steps = [];
    private readonly List<FieldError> _errors = [];

    /// <exception cref="ProblemException">It is no patch; the problem names all that is wrong.</exception>
    public static IReadOnlyList<PatchStep> ReadJsonPatch(JToken body, PatchPlaces places, int maxOperations)
    {
        if (body is not JArray array)
            throw new ProblemException(ProblemKind.MalformedPatch, "A JSON Patch is an array of operations.", "");
        if (array.Count > maxOperations)
            throw TooLong(maxOperations);
        var reader = new PatchReader(places, maxOperations);
        var operations = JsonPatch.Read(array, reader._errors);
        if (reader._errors.Count == 0)
        {
            for (var i = 0; i < operations.Count; i++)
                reader.Read(operations[i], $"/{i}");
        }
        return reader.Done();
    }

    /// <exception cref="ProblemException">It is no patch; the problem names all that is wrong.</exception>
    public static IReadOnlyList<PatchStep> ReadMergePatch(JToken body, PatchPlaces places, int maxOperations)
    {
        var reader = new PatchReader(places, maxOperations);
        reader.Merge(JsonPointer.Of([]), body, "", "");
        return reader.Done();
    }

    private List<PatchStep> Done() => _errors.Count == 0 ? _steps : throw new ProblemException(Problem.Of(_errors));

    private static ProblemException TooLong(int maxOperations) =>
        new(ProblemKind.TooLarge, $"A patch has at most {maxOperations} operations; each row that a merge patch names counts as some.");

    private void Read(PatchOperation operation, string source)
    {
        if (operation.Kind == PatchOperationKind.Merge)
        {
            Merge(operation.Path, operation.Value!, source, $"{source}/value");
            return;
        }
        var place = places.Find(operation.Path);
        var from = operation.From is null ? null : places.Find(operation.From);
        if (place is null || (from is null && operation.From is not null))
            Fail(source, "There is nothing at this path.");
        else if (place.Kind == PlaceKind.Root || from?.Kind == PlaceKind.Root)
            Fail(source, "The whole tree is too much for one operation; it names a collection, a row, or what is in a row.");
        else if (Refusal(operation.Kind, place, from) is { } refusal)
            Fail(source, refusal);
        else
            Add(new PatchStep(operation.Kind, place, from, operation.Value, source, $"{source}/value"));
    }

    private static string? Refusal(PatchOperationKind kind, Place place, Place? from) => kind switch
    {
        PatchOperationKind.Test => null,
        PatchOperationKind.Verify when place.Kind == PlaceKind.Collection => "A collection cannot be verified; its rows can.",
        PatchOperationKind.Verify when place.Kind == PlaceKind.Inside && place.Inside.First() != "desired" =>
            "Only the desired part of a row can be verified; what is reported may change at any time.",
        PatchOperationKind.Verify => null,
        PatchOperationKind.Remove when place.Rows.Count == 1 && place is { Kind: PlaceKind.Row, Pointer.Tokens.Count: 0 } =>
            "A patch of a row cannot remove the row. DELETE does.",
        PatchOperationKind.Remove => null,
        _ when place.Kind == PlaceKind.Collection => "A collection is always there; rows are added to it and removed.",
        _ when from?.Kind == PlaceKind.Collection => "A collection stays where it is; rows can be copied one by one.",
        PatchOperationKind.Move when place.Pointer.Text == from!.Pointer.Text => null,
        PatchOperationKind.Move when place.Kind == PlaceKind.Row || from!.Kind == PlaceKind.Row =>
            "A row cannot be moved, since its key and its place never change. It can be copied.",
        _ => null,
    };

    // Down the tree of the merge patch, along the tree of the rows.
    private void Merge(JsonPointer path, JToken value, string source, string valueSource)
    {
        switch (places.Find(path))
        {
            case null:
                Fail(source, "There is nothing at this path.");
                break;
            case { Kind: PlaceKind.Inside } inside:
                Add(new PatchStep(PatchOperationKind.Merge, inside, null, value, valueSource, valueSource));
                break;
            case { Kind: PlaceKind.Row } row:
                MergeRow(path, row, value, valueSource);
                break;
            case { } collections:
                if (value is JObject members)
                    MergeMembers(path, members, valueSource);
                else if (value.Type == JTokenType.Null && collections.Kind == PlaceKind.Collection)
                    Add(new PatchStep(PatchOperationKind.Remove, collections, null, null, valueSource, valueSource) { IsLenient = true });
                else
                    _errors.Add(new FieldError(valueSource, ProblemKind.WrongType, "Only an object can be merged here."));
                break;
        }
    }

    private void MergeRow(JsonPointer path, Place row, JToken value, string source)
    {
        if (value.Type == JTokenType.Null && row.Pointer.Tokens.Count == 0)
            Fail(source, "A patch of a row cannot remove the row. DELETE does.");
        else if (value.Type == JTokenType.Null)
            Add(new PatchStep(PatchOperationKind.Remove, row, null, null, source, source) { IsLenient = true });
        else if (value is not JObject members)
            _errors.Add(new FieldError(source, ProblemKind.WrongType, "A row must be an object."));
        else
        {
            // The row is there from here on, as an empty object if it was not.
            Add(new PatchStep(PatchOperationKind.Merge, row, null, new JObject(), source, source));
            foreach (var member in members.Properties())
            {
                var at = $"{source}/{JsonPointer.Escape(member.Name)}";
                if (member.Name != PatchPlaces.Children)
                    Merge(path.Below(member.Name), member.Value, at, at);
                else if (member.Value is JObject collections)
                    MergeMembers(path, collections, at);
                else
                    _errors.Add(new FieldError(at, ProblemKind.WrongType, "The children must be an object of collections."));
            }
        }
    }

    private void MergeMembers(JsonPointer path, JObject members, string source)
    {
        foreach (var member in members.Properties())
        {
            var at = $"{source}/{JsonPointer.Escape(member.Name)}";
            Merge(path.Below(member.Name), member.Value, at, at);
        }
    }

    private void Add(PatchStep step)
    {
        if (_steps.Count == maxOperations)
            throw TooLong(maxOperations);
        _steps.Add(step);
    }

    private void Fail(string source, string message) => _errors.Add(new FieldError(source, ProblemKind.PatchFailed, message));
}
