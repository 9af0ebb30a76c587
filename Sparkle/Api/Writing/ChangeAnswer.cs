using System.Text.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>What a change is answered, as it is kept for repetitions of the request. It holds no secret.</summary>
/// <param name="Location">Of the row that was made.</param>
/// <param name="Uuids">The names that the request gave to rows that it made, with their uuids.</param>
internal sealed record ChangeAnswer(int Status, string? Location, SortedDictionary<string, string> Uuids)
{
    public string ToJson() => JsonSerializer.Serialize(this);

    public static ChangeAnswer Parse(string json) => JsonSerializer.Deserialize<ChangeAnswer>(json)!;
}
