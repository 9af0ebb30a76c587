using Newtonsoft.Json.Linq;

namespace PonyCloud.Sparkle.Templates;

/// <summary>A row that a template makes, as a request would write it.</summary>
/// <param name="Collection">The one that it comes into.</param>
/// <param name="Name">By which other rows of the request may call it, and by which it is answered.</param>
/// <param name="Pointer">Where the request speaks of it: at a row of its own, or where it names the template.</param>
public sealed record MadeRow(string Collection, string Name, JObject Desired, string Pointer, RowOrigin Origin)
{
    public IReadOnlyList<MadeRow> Children { get; init; } = [];

    /// <summary>The children that the request gives it.</summary>
    public JToken? Asked { get; init; }
}

/// <summary>What a request for an instance from a template comes down to.</summary>
/// <param name="Desired">Of the instance.</param>
/// <param name="Volumes">Beside the instance, in the same tenant.</param>
/// <param name="Children">Of the instance.</param>
/// <param name="Asked">Children that the request has in addition; null when it has none.</param>
public sealed record Expansion(
    JObject Desired, RowOrigin Origin, IReadOnlyList<MadeRow> Volumes, IReadOnlyList<MadeRow> Children, JToken? Asked);
