using System.Reflection;
using System.Text.Json.Nodes;
using PonyCloud.Shared.Http;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.Sparkle.Api.Writing;
using PonyCloud.Sparkle.Transfers;
using static PonyCloud.Sparkle.Api.Description.OpenApiParts;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>What many operations have in common: parameters, headers, problems, patches.</summary>
internal static class OpenApiComponents
{
    private static readonly IReadOnlyList<ProblemKind> Kinds =
    [
        .. typeof(ProblemKind).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => field.GetValue(null)).OfType<ProblemKind>().OrderBy(kind => kind.Status),
    ];

    /// <summary>Headers that say nothing about the request, and so are described once for all answers.</summary>
    public static JsonObject HeadersOfEveryAnswer() => new()
    {
        ["Cache-Control"] = "no-store, but for the two documents about the API.",
        ["X-Content-Type-Options"] = "nosniff",
        ["Content-Security-Policy"] = "Nothing in an answer runs, and nobody frames it.",
        ["X-Frame-Options"] = "DENY",
        ["Referrer-Policy"] = "no-referrer",
        ["Cross-Origin-Resource-Policy"] = "same-origin",
        ["Strict-Transport-Security"] = "Over HTTPS only.",
    };

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
        ["after"] = Query("after", "Only rows behind this key.", Text()),
        ["If-Match"] = Header("If-Match", "Only if this tag names the row; else 412. A write compares the desired part alone. A collection has no tag, so only * holds there."),
        ["If-None-Match"] = Header("If-None-Match", "Only if this tag does not name the row; else a read is a 304, and a write a 412."),
        [IdempotencyKeys.Header] = Header(
            IdempotencyKeys.Header,
            "Carries the request out once, however often it is sent within 24 hours, and answers it as the first time. The same key with another request is a 422, "
                + "and with the same one while it is still being carried out a 409.",
            new JsonObject { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = 255 }),
    };

    public static JsonObject Headers() => new()
    {
        ["ETag"] = Described("Names the version of the row: a hash of its desired part, a point, and a hash of the rest. Of a content: changes before the content can.", Text()),
        ["Accept-Ranges"] = Described("bytes: ranges of it can be had.", Text()),
        ["Content-Range"] = Described("Which bytes these are, and how many there are in all.", Text()),
        ["Range"] = Described("Which bytes of an upload are there: bytes=0-N. Absent when none are.", Text()),
        [ConsoleHeaders.Offset] = Described("Where the part of the log begins.", new JsonObject { ["type"] = "integer", ["minimum"] = 0 }),
        [ConsoleHeaders.End] = Described("Where the log ended: the offset to ask for next.", new JsonObject { ["type"] = "integer", ["minimum"] = 0 }),
        [KeeperClient.OffsetHeader] = Described("Where an upload goes on.", new JsonObject { ["type"] = "integer", ["minimum"] = 0 }),
        ["Location"] = Described("The path of the new row.", Text("uri-reference")),
        ["Link"] = Described("The next page, with rel=next.", Text()),
        [Revisions.Header] = Described("Which state the answer has seen. A stream of changes can begin behind it.", Text()),
        [ApiEndpoint.DatabaseDownHeader] = Described("The controller does not follow its database, since then.", Text("date-time")),
        [LetGoOrders.JournaledHeader] = Described("The order is on the controller's disk and not in the database yet, since then.", Text("date-time")),
        [EventTransport.BufferingHeader] = Described("Tells proxies to pass each event on at once.", Text()),
        ["Retry-After"] = Described("So many seconds.", new JsonObject { ["type"] = "integer", ["minimum"] = 1 }),
        ["Allow"] = Described("The methods that are here.", Text()),
        ["Accept-Patch"] = Described("The media types of patches that are taken here.", Text()),
        ["WWW-Authenticate"] = Described("How to log in here.", Text()),
    };

    public static JsonObject Schemas() => new()
    {
        ["token"] = new JsonObject
        {
            ["type"] = "object",
            ["required"] = new JsonArray("token", "expires"),
            ["properties"] = new JsonObject { ["token"] = Text(), ["expires"] = Text("date-time") },
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
                    ["additionalProperties"] = Text(),
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
            ["description"] = "RFC 6902, applied to what a GET shows, with two operations more: x-merge merges the value into what is at the path, "
                + "as RFC 7396 says; x-verify demands that the row is as the value says until the change is committed. One patch is one transaction.",
            ["items"] = new JsonObject
            {
                ["oneOf"] = new JsonArray(
                    PatchOperation(["add", "replace", "test", "x-merge", "x-verify"], "value", []),
                    PatchOperation(["move", "copy"], "from", Text("json-pointer")),
                    PatchOperation(["remove"], null, null)),
            },
        },
        ["merge_patch"] = new JsonObject
        {
            ["type"] = "object",
            ["description"] = "RFC 7396, applied to the document below the path: a row has the member desired, and its collections by their segment. "
                + "null removes a field or a row.",
        },
        ["journaled"] = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["journaled"] = Text("date-time"),
                ["detail"] = Text(),
                ["orders"] = new JsonObject
                {
                    ["type"] = "array",
                    ["items"] = new JsonObject
                    {
                        ["type"] = "object",
                        ["properties"] = new JsonObject
                        {
                            ["table"] = Text(),
                            ["key"] = Texts(),
                            ["withdrawn"] = new JsonObject { ["type"] = "boolean" },
                        },
                    },
                },
            },
        },
        ["changes"] = new JsonObject
        {
            ["type"] = "object",
            ["required"] = new JsonArray("revision", "changes"),
            ["properties"] = new JsonObject
            {
                ["revision"] = Text(),
                ["changes"] = new JsonObject
                {
                    ["type"] = "array",
                    ["items"] = new JsonObject
                    {
                        ["type"] = "object",
                        ["description"] = "A row as a GET of the path shows it; without desired and current when it is not found there any more.",
                        ["required"] = new JsonArray("path", "table", "key"),
                        ["properties"] = new JsonObject
                        {
                            ["path"] = Text(),
                            ["table"] = Text(),
                            ["key"] = new JsonObject(),
                            ["desired"] = new JsonObject { ["type"] = "object" },
                            ["current"] = new JsonObject { ["type"] = "object" },
                            ["stale_since"] = Text("date-time"),
                        },
                    },
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
                ["title"] = Text(),
                ["status"] = new JsonObject { ["type"] = "integer" },
                ["detail"] = Text(),
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
                        ["properties"] = new JsonObject { ["type"] = Text(), ["pointer"] = Text(), ["detail"] = Text() },
                    },
                },
            },
        },
    };

    public static JsonObject Responses()
    {
        var responses = new JsonObject { ["problem"] = Problem("Whatever else goes wrong.") };
        foreach (var kinds in Kinds.GroupBy(kind => kind.Status))
        {
            responses[$"problem.{kinds.Key}"] = Problem(
                $"{string.Join("; ", kinds.Select(kind => $"{kind.Name}: {kind.Title}"))}.",
                kinds.Key switch
                {
                    401 => ["WWW-Authenticate"],
                    405 => ["Allow"],
                    409 => ["Retry-After", KeeperClient.OffsetHeader],
                    416 => ["Content-Range"],
                    422 => [KeeperClient.OffsetHeader],
                    429 or 503 => ["Retry-After"],
                    415 => ["Accept-Patch"],
                    _ => [],
                });
        }
        responses["journaled"] = JsonAnswer(
            "The database is away, and the order to let go is kept on the controller's disk. It is being carried out.",
            Ref("schemas", "journaled"), LetGoOrders.JournaledHeader, ApiEndpoint.DatabaseDownHeader);
        return responses;
    }

    private static JsonObject Problem(string description, params IEnumerable<string> headers) => Content(
        description, "application/problem+json", Ref("schemas", "problem"), [.. headers, Revisions.Header, ApiEndpoint.DatabaseDownHeader]);

    private static JsonObject PatchOperation(string[] names, string? needed, JsonObject? schema)
    {
        var operation = new JsonObject
        {
            ["type"] = "object",
            ["required"] = needed is null ? new JsonArray("op", "path") : new JsonArray("op", "path", needed),
            ["properties"] = new JsonObject
            {
                ["op"] = new JsonObject { ["type"] = "string", ["enum"] = ColumnSchema.Texts(names) },
                ["path"] = Text("json-pointer"),
            },
        };
        if (needed is not null)
            operation["properties"]![needed] = schema;
        return operation;
    }

    private static JsonObject Described(string description, JsonObject schema) => new() { ["description"] = description, ["schema"] = schema };
}
