using System.Reflection;
using System.Text.Json.Nodes;
using PonyCloud.Sparkle.Api.Metrics;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>What the OpenAPI document says that no entity declares: tokens, the controller itself, problems, patches.</summary>
internal static class OpenApiFixed
{
    private static readonly IReadOnlyList<ProblemKind> Kinds =
    [
        .. typeof(ProblemKind).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => field.GetValue(null)).OfType<ProblemKind>().OrderBy(kind => kind.Status),
    ];

    public static JsonObject Ref(string kind, string name) => new() { ["$ref"] = $"#/components/{kind}/{name}" };

    public static JsonObject Json(string description, JsonObject schema) => new()
    {
        ["description"] = description,
        ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = schema } },
    };

    public static void AddPaths(JsonObject paths)
    {
        var root = Token(
            "read_all", "Read all that the caller may read as one document, whose JSON pointers are the paths below", new JsonObject { ["type"] = "object" }, "200", "token", [400, 503]);
        root["parameters"] = new JsonArray(
            Query("depth", "So many levels of rows; all unless given.", new JsonObject { ["type"] = "integer", ["minimum"] = 1 }));
        paths[$"{ApiEndpoint.Root}/"] = new JsonObject { ["get"] = root };
        paths[$"{ApiEndpoint.Root}/token"] = new JsonObject
        {
            ["post"] = Token("login", "Make a user token of an email address and a password", Ref("schemas", "token"), "200", "password", [429]),
            ["delete"] = Token("logout", "End the token that the request brings, with all that were made of it", null, "204", "token", [503]),
        };
        paths[$"{ApiEndpoint.Root}/tenant/{{tenant}}/token"] = new JsonObject
        {
            ["parameters"] = new JsonArray(Path("tenant", "The uuid of the tenant.", new JsonObject { ["type"] = "string", ["format"] = "uuid" })),
            ["post"] = Token("login_tenant", "Make a tenant token of a user token", Ref("schemas", "token"), "200", "token", [403, 404]),
        };
        paths[$"{ApiEndpoint.Root}/user/{{user}}/token"] = new JsonObject
        {
            ["parameters"] = new JsonArray(Path("user", "The email address of the user.", new JsonObject { ["type"] = "string" })),
            ["delete"] = Token("logout_user", "End all tokens of the user", null, "204", "token", [403, 404, 503]),
        };
        foreach (var (name, what) in new[] { ("ping", "The process answers"), ("liveliness", "The process need not be restarted"), ("readiness", "Requests can be answered"), ("started", "The start is over") })
        {
            var get = Open($"self_{name}", what, new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "boolean" } });
            get["responses"]!["503"] = Json("Not so.", new JsonObject { ["type"] = "object" });
            paths[$"/self/{name}"] = new JsonObject { ["get"] = get };
        }
        paths["/self/info"] = new JsonObject { ["get"] = Token("self_info", "Version and state of the controller", new JsonObject { ["type"] = "object" }, "200", "token", [503]) };
        var metrics = Token("metrics", "What the controller measures, as Prometheus reads it; for operators and the token for it", null, "200", "token", [403, 503]);
        metrics["responses"]!["200"] = new JsonObject
        {
            ["description"] = "The metrics.",
            ["content"] = new JsonObject { ["text/plain"] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "string" } } },
        };
        paths[MetricsEndpoint.Path] = new JsonObject { ["get"] = metrics };
        paths[DescriptionEndpoint.SchemaPath] = new JsonObject { ["get"] = Open("schema", "The catalog of entities for programs", new JsonObject { ["type"] = "object" }) };
        paths[DescriptionEndpoint.OpenApiPath] = new JsonObject { ["get"] = Open("openapi", "This document", new JsonObject { ["type"] = "object" }) };
    }

    public static JsonObject SecuritySchemes() => new()
    {
        ["token"] = new JsonObject
        {
            ["type"] = "http",
            ["scheme"] = "bearer",
            ["bearerFormat"] = "JWT",
            ["description"] = "A user token, or for what belongs to a tenant a tenant token.",
        },
        ["password"] = new JsonObject
        {
            ["type"] = "http",
            ["scheme"] = "basic",
            ["description"] = "Email address and password, to get a token.",
        },
    };

    public static JsonObject Parameters() => new()
    {
        ["fields"] = Query("fields", "Only these columns, of one part (current.status) or of whichever has them.", Texts(), explode: false),
        ["join"] = Query("join", "The rows that these columns refer to, inline.", Texts(), explode: false),
        ["limit"] = Query("limit", "So many rows; Link with rel=next where there are more.", new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = 1000 }),
        ["after"] = Query("after", "Only rows behind this key.", new JsonObject { ["type"] = "string" }),
        ["If-Match"] = Header("If-Match", "Only if the desired part is still as this tag names it; else 412."),
        ["If-None-Match"] = Header("If-None-Match", "Only if the row is no longer as this tag names it; else 304."),
    };

    public static JsonObject Headers() => new()
    {
        ["ETag"] = new JsonObject { ["description"] = "Names the version of the row.", ["schema"] = new JsonObject { ["type"] = "string" } },
        ["Location"] = new JsonObject
        {
            ["description"] = "The path of the new row.",
            ["schema"] = new JsonObject { ["type"] = "string", ["format"] = "uri-reference" },
        },
    };

    public static JsonObject Schemas() => new()
    {
        ["token"] = new JsonObject
        {
            ["type"] = "object",
            ["required"] = new JsonArray("token", "expires"),
            ["properties"] = new JsonObject
            {
                ["token"] = new JsonObject { ["type"] = "string" },
                ["expires"] = new JsonObject { ["type"] = "string", ["format"] = "date-time" },
            },
        },
        ["uuids"] = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["uuids"] = new JsonObject
                {
                    ["type"] = "object",
                    ["description"] = "Keys of new rows, by the names that the request gave them.",
                    ["additionalProperties"] = new JsonObject { ["type"] = "string" },
                },
            },
        },
        ["children"] = new JsonObject
        {
            ["type"] = "object",
            ["description"] = "New rows below this one: collections by their segment, rows by their key, or by a name such as $a that stands for it.",
            ["additionalProperties"] = new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "object" } },
        },
        ["json_patch"] = new JsonObject
        {
            ["type"] = "array",
            ["description"] = "RFC 6902, applied to what a GET shows.",
            ["items"] = new JsonObject
            {
                ["type"] = "object",
                ["required"] = new JsonArray("op", "path"),
                ["properties"] = new JsonObject
                {
                    ["op"] = new JsonObject { ["type"] = "string" },
                    ["path"] = new JsonObject { ["type"] = "string", ["format"] = "json-pointer" },
                    ["from"] = new JsonObject { ["type"] = "string", ["format"] = "json-pointer" },
                    ["value"] = new JsonObject(),
                },
            },
        },
        ["problem"] = new JsonObject
        {
            ["type"] = "object",
            ["description"] = "RFC 9457.",
            ["required"] = new JsonArray("type", "title", "status", "detail"),
            ["properties"] = new JsonObject
            {
                ["type"] = new JsonObject { ["type"] = "string", ["enum"] = ColumnSchema.Texts(Kinds.Select(kind => kind.Type)) },
                ["title"] = new JsonObject { ["type"] = "string" },
                ["status"] = new JsonObject { ["type"] = "integer" },
                ["detail"] = new JsonObject { ["type"] = "string" },
                ["pointer"] = new JsonObject { ["type"] = "string", ["description"] = "The place in the request body, as a JSON pointer." },
                ["constraint"] = new JsonObject { ["type"] = "string", ["description"] = "The rule of the schema that refused it." },
                ["trace_id"] = new JsonObject { ["type"] = "string", ["description"] = "The log says more under it." },
                ["errors"] = new JsonObject
                {
                    ["type"] = "array",
                    ["items"] = new JsonObject
                    {
                        ["type"] = "object",
                        ["required"] = new JsonArray("type", "pointer", "detail"),
                        ["properties"] = new JsonObject
                        {
                            ["type"] = new JsonObject { ["type"] = "string" },
                            ["pointer"] = new JsonObject { ["type"] = "string" },
                            ["detail"] = new JsonObject { ["type"] = "string" },
                        },
                    },
                },
            },
        },
    };

    public static JsonObject Responses()
    {
        var responses = new JsonObject { ["problem"] = ProblemOf("Whatever else goes wrong.") };
        foreach (var kinds in Kinds.GroupBy(kind => kind.Status))
            responses[$"problem.{kinds.Key}"] = ProblemOf($"{string.Join("; ", kinds.Select(kind => $"{kind.Name}: {kind.Title}"))}.");
        return responses;
    }

    private static JsonObject ProblemOf(string description) => new()
    {
        ["description"] = description,
        ["content"] = new JsonObject { ["application/problem+json"] = new JsonObject { ["schema"] = Ref("schemas", "problem") } },
    };

    private static JsonObject Token(string id, string summary, JsonObject? answer, string status, string scheme, IReadOnlyList<int> problems)
    {
        var responses = new JsonObject
        {
            [status] = answer is null ? new JsonObject { ["description"] = "Done." } : Json("Done.", answer),
            ["401"] = Ref("responses", "problem.401"),
        };
        foreach (var problem in problems)
            responses[$"{problem}"] = Ref("responses", $"problem.{problem}");
        if (id == "logout")
            responses["202"] = Json("The token is void, and is written down when the database is back.", new JsonObject { ["type"] = "object" });
        responses["default"] = Ref("responses", "problem");
        return new JsonObject
        {
            ["operationId"] = id,
            ["summary"] = summary + ".",
            ["security"] = new JsonArray(new JsonObject { [scheme] = new JsonArray() }),
            ["responses"] = responses,
        };
    }

    private static JsonObject Open(string id, string summary, JsonObject answer) => new()
    {
        ["operationId"] = id,
        ["summary"] = summary + ".",
        ["security"] = new JsonArray(),
        ["responses"] = new JsonObject { ["200"] = Json("So it is.", answer), ["default"] = Ref("responses", "problem") },
    };

    private static JsonObject Texts() => new() { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" } };

    private static JsonObject Query(string name, string description, JsonObject schema, bool? explode = null)
    {
        var parameter = new JsonObject { ["name"] = name, ["in"] = "query", ["description"] = description, ["schema"] = schema };
        if (explode is { } apart)
            parameter["explode"] = apart;
        return parameter;
    }

    private static JsonObject Header(string name, string description) => new()
    {
        ["name"] = name,
        ["in"] = "header",
        ["description"] = description,
        ["schema"] = new JsonObject { ["type"] = "string" },
    };

    private static JsonObject Path(string name, string description, JsonObject schema) => new()
    {
        ["name"] = name,
        ["in"] = "path",
        ["required"] = true,
        ["description"] = description,
        ["schema"] = schema,
    };
}
