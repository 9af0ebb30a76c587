using System.Text.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>What a change is answered, as it is kept for repetitions of the request. It holds no secret.</summary>
/// <param name="Location">Of the row that was made.</param>
/// <param name="Uuids">The names that the request gave to rows that it made, with their uuids.</param>
internal sealed record ChangeAnswer(int Status, string? Location, SortedDictionary<string, string> Uuids)
{
    /// <summary>What was answered to orders that were journaled; null for what went to the database.</summary>
    public JournaledAnswer? Journaled { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this);

    public static ChangeAnswer Parse(string json) => JsonSerializer.Deserialize<ChangeAnswer>(json)!;
}

/// <summary>The answer to orders that are on the controller's disk.</summary>
/// <param name="At">Since when.</param>
/// <param name="Body">JSON.</param>
internal sealed record JournaledAnswer(string At, string Body);
