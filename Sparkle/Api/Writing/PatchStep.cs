using Newtonsoft.Json.Linq;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>An operation of a patch, with its places found.</summary>
/// <param name="Source">JSON pointer to the operation in the request.</param>
/// <param name="ValueSource">JSON pointer to its value there.</param>
internal sealed record PatchStep(
    PatchOperationKind Kind, Place Place, Place? From, JToken? Value, string Source, string ValueSource)
{
    /// <summary>A remove that does nothing where there is nothing, as merge patches remove.</summary>
    public bool IsLenient { get; init; }

    /// <summary>The operation on the document.</summary>
    public PatchOperation Operation { get; } = new(Kind, Place.Pointer, From?.Pointer, Value);

    /// <summary>Where the request wrote what is at a place of the document; null when this step did not.</summary>
    public string? SourceOf(JsonPointer place)
    {
        var path = Place.Pointer;
        if (Kind is PatchOperationKind.Test or PatchOperationKind.Verify)
            return null;
        if (!path.IsPrefixOf(place))
            return place.IsPrefixOf(path) || (Kind == PatchOperationKind.Move && place.IsPrefixOf(From!.Pointer)) ? Source : null;
        if (Value is null)
            return Source;
        var rest = place.Tokens.Skip(path.Tokens.Count).ToList();
        // A merge leaves alone what it does not name.
        if (Kind == PatchOperationKind.Merge && rest.Count > 0 && Value is JObject merged && !merged.ContainsKey(rest[0]))
            return null;
        return ValueSource + string.Concat(rest.Select(token => $"/{JsonPointer.Escape(token)}"));
    }
}
