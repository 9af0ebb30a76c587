using System.Text.Json;
using System.Text.Json.Nodes;

namespace PonyCloud.Pony.Watching;

/// <summary>A row at a path as it is now.</summary>
/// <param name="Row">With <c>desired</c> and <c>current</c>; null when it is no longer there.</param>
/// <param name="Text">The change as it came.</param>
internal sealed record RowChange(string Path, string Table, string Key, JsonObject? Row, string Text);

/// <summary>What changed at one moment.</summary>
/// <param name="IsBroken">The stream could not be continued without a gap: whatever is known has to be read again.</param>
internal sealed record WatchMessage(string Revision, IReadOnlyList<RowChange> Changes, bool IsBroken)
{
    /// <exception cref="PonyException">It is no message.</exception>
    public static WatchMessage Read(string text)
    {
        try
        {
            var json = JsonNode.Parse(text)!.AsObject();
            var changes = json["changes"]?.AsArray().Select(change => ReadChange(change!.AsObject())).ToList() ?? [];
            return new WatchMessage(json["revision"]!.GetValue<string>(), changes, IsBroken: false);
        }
        catch (Exception exception) when (exception is JsonException or NullReferenceException or InvalidOperationException)
        {
            throw new PonyException(ExitCode.Unavailable, "The server's stream of changes is not what was expected.", exception);
        }
    }

    private static RowChange ReadChange(JsonObject json)
    {
        var text = Output.JsonText.Write(json);
        var row = new JsonObject();
        foreach (var part in (string[])["desired", "current", "stale_since"])
        {
            if (json[part] is { } value)
                row[part] = value.DeepClone();
        }
        return new RowChange(
            json["path"]!.GetValue<string>(), json["table"]!.GetValue<string>(), Key(json["key"]!), row.Count == 0 ? null : row, text);
    }

    private static string Key(JsonNode key) => key is JsonArray parts ? string.Join('/', parts.Select(part => part!.ToString())) : key.ToString();
}
