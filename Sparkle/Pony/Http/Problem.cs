using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PonyCloud.Pony.Http;

/// <summary>An error of one value of a request.</summary>
internal sealed record ProblemError(string? Pointer, string Detail);

/// <summary>Why the server did not do it: a problem document (RFC 9457), as far as there is one.</summary>
internal sealed record Problem(int Status, string? Type, string Title, string? Detail, IReadOnlyList<ProblemError> Errors, string? TraceId)
{
    public static Problem Read(int status, byte[] body)
    {
        JsonObject? json = null;
        try
        {
            json = JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            // Something between here and the server answered; its page says nothing to the user of a terminal.
        }
        if (json is null)
            return new Problem(status, null, $"The server answered {status}", null, [], null);
        var errors = (json["errors"] as JsonArray)?.OfType<JsonObject>()
            .Select(error => new ProblemError(Text(error, "pointer"), Text(error, "detail") ?? "")).ToList() ?? [];
        if (errors.Count == 0 && Text(json, "pointer") is { } pointer)
            errors.Add(new ProblemError(pointer, Text(json, "detail") ?? ""));
        return new Problem(
            status, Text(json, "type"), Text(json, "title") ?? $"The server answered {status}", Text(json, "detail"), errors, Text(json, "trace_id"));
    }

    /// <summary>For people: what is wrong, and where in what was sent.</summary>
    /// <param name="place">Says a pointer in words of whoever made the request; null where it has none.</param>
    public string Describe(Func<string, string?>? place = null)
    {
        var text = new StringBuilder(Title);
        // The detail of a problem with errors is that of the first of them.
        if (Errors.Count == 0 && !string.IsNullOrEmpty(Detail))
            text.Append(": ").Append(Detail);
        foreach (var error in Errors)
        {
            var pointer = error.Pointer is null ? null : place?.Invoke(error.Pointer) ?? error.Pointer;
            text.Append("\n  ").Append(string.IsNullOrEmpty(pointer) ? "" : pointer + ": ").Append(error.Detail);
        }
        if (TraceId is not null)
            text.Append("\n  The log of the controller says more under ").Append(TraceId).Append('.');
        return text.ToString();
    }

    private static string? Text(JsonObject json, string name) =>
        json[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}

/// <summary>The server did not do what was asked.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Title)
{
    public Problem Problem { get; } = problem;
}
