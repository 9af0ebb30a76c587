using System.Text.Json.Nodes;
using PonyCloud.Sparkle.Api.Metrics;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.Sparkle.Networks;
using PonyCloud.Sparkle.Transfers;
using static PonyCloud.Sparkle.Api.Description.OpenApiParts;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>The paths that no entity declares: the root, tokens, the stream of changes, the controller itself.</summary>
internal static class OpenApiFixed
{
    public static void AddPaths(JsonObject paths)
    {
        paths[$"{ApiEndpoint.Root}/"] = Root();
        paths[$"{ApiEndpoint.Root}/token"] = new JsonObject
        {
            ["post"] = Operation("login", "Make a user token of an email address and a password", "password", Issued(), [400, 401, 429, 503]),
            ["delete"] = Operation("logout", "End the token that the request brings, with all that were made of it", "token", new JsonObject
            {
                ["202"] = JsonAnswer(
                    "The token is void, and is written down when the database is back.",
                    new JsonObject
                    {
                        ["type"] = "object",
                        ["properties"] = new JsonObject { ["written"] = new JsonObject { ["type"] = "boolean" }, ["detail"] = Text() },
                    },
                    ApiEndpoint.DatabaseDownHeader),
                ["204"] = Bare("Done.", ApiEndpoint.DatabaseDownHeader),
            }, [401, 503]),
        };
        paths[$"{ApiEndpoint.Root}/tenant/{{tenant}}/token"] = new JsonObject
        {
            ["parameters"] = new JsonArray(Path("tenant", "The uuid of the tenant.", Text("uuid"))),
            ["post"] = Operation("login_tenant", "Make a tenant token of a user token", "token", Issued(), [401, 403, 404, 503]),
        };
        paths[$"{ApiEndpoint.Root}/user/{{user}}/token"] = new JsonObject
        {
            ["parameters"] = new JsonArray(Path("user", "The email address of the user.", Text())),
            ["delete"] = Operation(
                "logout_user", "End all tokens of the user", "token", new JsonObject { ["204"] = Bare("Done.") }, [401, 403, 404, 409, 503, 504]),
        };
        paths[WatchEndpoint.Path] = Watch();
        paths[ContentEndpoint.Path] = OpenApiContent.Item();
        OpenApiConsoles.AddPaths(paths);
        paths[ZoneEndpoint.SharedPath] = Zone("get_switch_network_zone", "switch", "network");
        paths[ZoneEndpoint.TenantPath] = Zone("get_tenant_switch_network_zone", "tenant", "switch", "network");
        foreach (var (name, what) in new[] { ("ping", "The process answers"), ("liveliness", "The process need not be restarted"), ("readiness", "Requests can be answered"), ("started", "The start is over") })
        {
            var state = new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "boolean" } };
            paths[$"/self/{name}"] = new JsonObject
            {
                ["get"] = Operation($"self_{name}", what, null, new JsonObject
                {
                    ["200"] = JsonAnswer("So it is.", state),
                    ["503"] = JsonAnswer("It is not so.", (JsonObject)state.DeepClone()),
                }, [429]),
            };
        }
        paths["/self/info"] = new JsonObject { ["get"] = Info() };
        paths[MetricsEndpoint.Path] = new JsonObject
        {
            ["get"] = Operation(
                "metrics", "What the controller measures, as Prometheus reads it; for operators and the token for it", "token",
                new JsonObject { ["200"] = Content("The metrics.", "text/plain", Text()) }, [401, 403, 429, 503]),
        };
        paths[DescriptionEndpoint.SchemaPath] = new JsonObject { ["get"] = Published("schema", "The catalog of entities for programs") };
        paths[DescriptionEndpoint.OpenApiPath] = new JsonObject { ["get"] = Published("openapi", "This document") };
    }

    private static JsonObject Root()
    {
        var get = Operation(
            "read_all", "Read all that the caller may read as one document, whose JSON pointers are the paths below", "token",
            new JsonObject { ["200"] = JsonAnswer("The document.", new JsonObject { ["type"] = "object" }, Revisions.Header, ApiEndpoint.DatabaseDownHeader) },
            [400, 401, 503]);
        get["parameters"] = new JsonArray(
            Query("depth", "So many levels of rows; all unless given.", new JsonObject { ["type"] = "integer", ["minimum"] = 1 }));
        var patch = Operation("patch_all", "Change all that the caller may write, in one transaction", "token", new JsonObject
        {
            ["200"] = JsonAnswer("Done.", Ref("schemas", "uuids")),
            ["202"] = Ref("responses", "journaled"),
        }, OpenApiWriter.PatchProblems);
        patch["parameters"] = OpenApiWriter.WriteParameters(repeatable: true);
        patch["requestBody"] = OpenApiWriter.PatchBody();
        return new JsonObject { ["get"] = get, ["patch"] = patch };
    }

    private static JsonObject Zone(string id, params string[] keys)
    {
        var get = Operation(id, "Read the reverse zone of the network as a master file", "token", new JsonObject
        {
            ["200"] = Content("The zone.", ZoneEndpoint.MediaType, Text(), ApiEndpoint.DatabaseDownHeader),
        }, [400, 401, 403, 404, 503]);
        get["description"] = "Whoever may read the addresses of the network may read it.";
        return new JsonObject
        {
            ["parameters"] = new JsonArray([.. keys.Select(key => Path(key, $"The uuid of the {key}.", Text("uuid")))]),
            ["get"] = get,
        };
    }

    private static JsonObject Watch()
    {
        var get = Operation("watch", "Stream what changes, as a WebSocket or as Server-Sent Events", "token", new JsonObject
        {
            ["101"] = new JsonObject
            {
                ["description"] = $"A WebSocket with the subprotocol {SocketProtocols.Watch}. Each text is one message as of an event stream; "
                    + "the close code and reason say why it ends.",
            },
            ["200"] = Content(
                "One event for each message, with the revision as its id; the event error has a problem, and is the last.", "text/event-stream",
                Ref("schemas", "changes"), EventTransport.BufferingHeader, ApiEndpoint.DatabaseDownHeader),
        }, [400, 401, 403, 404, 406, 410, 429, 503]);
        get["description"] = "The stream holds what GETs with the same token would show: each change is a row at a path. The first message has no changes "
            + "and says where the stream begins. The token may be offered as a subprotocol, for pages in browsers.";
        get["parameters"] = new JsonArray(
            Query("since", "Continue behind this revision; from now on unless given.", Text()),
            Query("table", "Only these tables.", Texts()),
            Query("path", "Only this row or collection and all below.", new JsonObject
            {
                ["type"] = "array",
                ["maxItems"] = 32,
                ["items"] = Text(),
            }),
            Header(WatchEndpoint.LastEventId, "Goes before since."));
        return new JsonObject { ["get"] = get };
    }

    private static JsonObject Info()
    {
        var info = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["name"] = Text(),
                ["version"] = Text(),
                ["user"] = Text(),
                ["tenant"] = Text("uuid"),
                ["revision"] = new JsonObject { ["type"] = "integer" },
                ["epoch"] = new JsonObject { ["type"] = "integer" },
                ["database"] = new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject
                    {
                        ["up"] = new JsonObject { ["type"] = "boolean" },
                        ["since"] = Text("date-time"),
                        ["why"] = new JsonObject { ["type"] = "string", ["description"] = "For operators." },
                    },
                },
            },
        };
        return Operation("self_info", "Version and state of the controller", "token", new JsonObject { ["200"] = JsonAnswer("So it is.", info) }, [401, 429, 503]);
    }

    private static JsonObject Issued() => new()
    {
        ["200"] = JsonAnswer("The token.", Ref("schemas", "token"), ApiEndpoint.DatabaseDownHeader),
    };

    private static JsonObject Published(string id, string summary)
    {
        var get = Operation(id, summary, null, new JsonObject
        {
            ["200"] = JsonAnswer("The document.", new JsonObject { ["type"] = "object" }, "ETag"),
            ["304"] = Bare("It is still as the tag names it.", "ETag"),
        }, [429]);
        get["parameters"] = new JsonArray(Ref("parameters", "If-None-Match"));
        return get;
    }

    /// <param name="scheme">How somebody logs in for it; null where nobody must.</param>
    internal static JsonObject Operation(string id, string summary, string? scheme, JsonObject answers, IEnumerable<int> problems)
    {
        foreach (var status in problems.Where(status => !answers.ContainsKey($"{status}")))
            answers[$"{status}"] = RefProblem(status);
        answers["default"] = Ref("responses", "problem");
        return new JsonObject
        {
            ["operationId"] = id,
            ["summary"] = summary + ".",
            ["security"] = scheme is null ? [] : new JsonArray(new JsonObject { [scheme] = new JsonArray() }),
            ["responses"] = answers,
        };
    }
}
