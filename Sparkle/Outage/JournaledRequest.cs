using System.Text.Json;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Outage;

/// <summary>A request whose orders were journaled and that its sender may repeat: it is carried out once all the same.</summary>
/// <param name="Key">What the sender calls it.</param>
/// <param name="Answer">What it was answered, JSON.</param>
public sealed record JournaledRequest(RequestKey Key, string Answer)
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("owner", Key.Owner);
        json.WriteString("key", Key.Key);
        json.WriteString("fingerprint", Key.Fingerprint);
        json.WriteString("answer", Answer);
        json.WriteEndObject();
    }

    /// <exception cref="JsonException">It is no such request.</exception>
    internal static JournaledRequest Read(JsonElement json) => new(
        new RequestKey(Text(json, "owner"), Text(json, "key"), Text(json, "fingerprint")), Text(json, "answer"));

    private static string Text(JsonElement json, string name) =>
        json.GetProperty(name).GetString() ?? throw new JsonException($"The request has no {name}.");
}
