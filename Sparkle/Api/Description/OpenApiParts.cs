using System.Text.Json.Nodes;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>The small pieces that an OpenAPI document is put together from.</summary>
internal static class OpenApiParts
{
    public static JsonObject Ref(string kind, string name) => new() { ["$ref"] = $"#/components/{kind}/{name}" };

    public static JsonObject RefProblem(int status) => Ref("responses", $"problem.{status}");

    public static JsonObject Text(string? format = null)
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (format is not null)
            schema["format"] = format;
        return schema;
    }

    public static JsonObject Texts() => new() { ["type"] = "array", ["items"] = Text() };

    /// <summary>An answer without a body.</summary>
    /// <param name="headers">Which headers it may have, of those that the document describes.</param>
    public static JsonObject Bare(string description, params IEnumerable<string> headers)
    {
        var answer = new JsonObject { ["description"] = description };
        var described = new JsonObject([.. headers.Distinct().Select(name => KeyValuePair.Create<string, JsonNode?>(name, Ref("headers", name)))]);
        if (described.Count > 0)
            answer["headers"] = described;
        return answer;
    }

    public static JsonObject JsonAnswer(string description, JsonObject schema, params IEnumerable<string> headers) =>
        Content(description, "application/json", schema, headers);

    public static JsonObject Content(string description, string mediaType, JsonObject schema, params IEnumerable<string> headers)
    {
        var answer = Bare(description, headers);
        answer["content"] = new JsonObject { [mediaType] = new JsonObject { ["schema"] = schema } };
        return answer;
    }

    public static JsonObject Query(string name, string description, JsonObject schema, bool? explode = null)
    {
        var parameter = new JsonObject
        {
            ["name"] = name,
            ["in"] = "query",
            ["description"] = description,
            ["schema"] = schema,
        };
        if (explode is { } apart)
            parameter["explode"] = apart;
        return parameter;
    }

    public static JsonObject Header(string name, string description, JsonObject? schema = null) => new()
    {
        ["name"] = name,
        ["in"] = "header",
        ["description"] = description,
        ["schema"] = schema ?? Text(),
    };

    public static JsonObject Path(string name, string description, JsonObject schema) => new()
    {
        ["name"] = name,
        ["in"] = "path",
        ["required"] = true,
        ["description"] = description,
        ["schema"] = schema,
    };
}
