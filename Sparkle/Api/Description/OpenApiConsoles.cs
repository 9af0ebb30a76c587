using System.Text.Json.Nodes;
using PonyCloud.Shared.Http;
using PonyCloud.Sparkle.Consoles;
using static PonyCloud.Sparkle.Api.Description.OpenApiParts;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>Consoles of instances, which are no rows.</summary>
internal static class OpenApiConsoles
{
    public static void AddPaths(JsonObject paths)
    {
        paths[ConsoleEndpoint.Path] = new JsonObject { ["parameters"] = Keys(), ["post"] = Tickets() };
        paths[ConsoleLogEndpoint.Path] = new JsonObject { ["parameters"] = Keys(), ["get"] = Log() };
        paths[ConsoleSocket.Path] = new JsonObject { ["get"] = Socket() };
    }

    private static JsonArray Keys() => new(
        Path("tenant", "The uuid of the tenant.", Text("uuid")), Path("instance", "The uuid of the instance.", Text("uuid")));

    private static JsonObject Tickets()
    {
        var post = OpenApiFixed.Operation("post_tenant_instance_console", "Get a ticket that opens a console of the instance once", "token", new JsonObject
        {
            ["201"] = JsonAnswer(
                "The ticket, until when it can be used, and the path of the WebSocket with it.",
                new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject { ["ticket"] = Text(), ["expires"] = Text("date-time"), ["path"] = Text() },
                    ["required"] = new JsonArray("ticket", "expires", "path"),
                },
                ApiEndpoint.DatabaseDownHeader),
        }, [400, 401, 403, 404, 408, 409, 413, 415, 422, 503]);
        post["description"] = "Whoever may change the instance may type on its consoles.";
        var type = new JsonObject { ["type"] = "string", ["enum"] = new JsonArray("serial", "vnc") };
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["type"] = type },
            ["required"] = new JsonArray("type"),
            ["additionalProperties"] = false,
        };
        post["requestBody"] = new JsonObject
        {
            ["required"] = true,
            ["content"] = new JsonObject
            {
                ["application/json"] = new JsonObject { ["schema"] = schema, ["example"] = new JsonObject { ["type"] = "serial" } },
            },
        };
        return post;
    }

    private static JsonObject Log()
    {
        var get = OpenApiFixed.Operation(
            "get_tenant_instance_console_log", "Read what the instance wrote to its serial console since its last start", "token", new JsonObject
            {
                ["200"] = Content(
                    "As the guest wrote it.", "text/plain", Text(), ConsoleHeaders.Offset, ConsoleHeaders.End, ApiEndpoint.DatabaseDownHeader),
            }, [400, 401, 403, 404, 409, 429, 503, 504]);
        get["description"] = "Whoever may read the instance may read its log. Only its last part is kept. It goes with an instance that is moved while it runs.";
        get["parameters"] = new JsonArray(
            Query("tail", "Only so many bytes of the end.", new JsonObject { ["type"] = "integer", ["minimum"] = 0 }),
            Query("offset", "Only what comes after; all that is kept if the log is not that long, since it is another one then.",
                new JsonObject { ["type"] = "integer", ["minimum"] = 0 }));
        return get;
    }

    private static JsonObject Socket()
    {
        var get = OpenApiFixed.Operation("console", "Open a console as a WebSocket", null, new JsonObject
        {
            ["101"] = new JsonObject
            {
                ["description"] = "A WebSocket. Binary frames are bytes of the console, texts are words of the platform; the close code and "
                    + $"reason say why it ends. The subprotocol {ConsoleSocket.Subprotocol} is chosen when it is offered.",
            },
        }, [400, 401, 403, 404, 409, 429, 503, 504]);
        get["parameters"] = new JsonArray(Query(ConsoleSocket.Ticket, "The ticket, which is used up by this.", Text()));
        return get;
    }
}
