using System.Text.Json.Nodes;
using PonyCloud.Sparkle.Transfers;
using static PonyCloud.Sparkle.Api.Description.OpenApiParts;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>The content of a volume, which is no row.</summary>
internal static class OpenApiContent
{
    private static readonly int[] ReadProblems = [400, 401, 403, 404, 409, 410, 416, 429, 503, 504];
    private static readonly int[] WriteProblems = [400, 401, 403, 404, 408, 409, 410, 411, 413, 415, 422, 429, 503, 504];

    public static JsonObject Item() => new()
    {
        ["parameters"] = new JsonArray(
            Path("tenant", "The uuid of the tenant.", Text("uuid")), Path("volume", "The uuid of the volume.", Text("uuid"))),
        ["get"] = Get(),
        ["put"] = Put(),
    };

    private static JsonObject Get()
    {
        string[] headers = ["Accept-Ranges", "ETag", ApiEndpoint.DatabaseDownHeader];
        var get = OpenApiFixed.Operation("get_tenant_volume_content", "Read the content of a volume, as a guest sees it", "token", new JsonObject
        {
            ["200"] = Content("All of it.", Download.MediaType, Binary(), headers),
            ["206"] = Content("The range.", Download.MediaType, Binary(), [.. headers, "Content-Range"]),
        }, ReadProblems);
        get["description"] = "Whoever may read the volume may read its content. A volume that an instance has may change meanwhile, and has no ETag.";
        get["parameters"] = new JsonArray(
            Header("Range", "Only these bytes; of several ranges all of it is sent."),
            Header("If-Range", "All of it, unless the content still has this tag."));
        return get;
    }

    private static JsonObject Put()
    {
        var put = OpenApiFixed.Operation("put_tenant_volume_content", "Send a volume another content, whole or in parts", "token", new JsonObject
        {
            ["201"] = Bare("The host has all of it.", ApiEndpoint.DatabaseDownHeader),
            ["308"] = Bare("It is not whole yet, and goes on at Upload-Offset.", KeeperClient.OffsetHeader, "Range", ApiEndpoint.DatabaseDownHeader),
        }, WriteProblems);
        put["description"] = "Whoever may change the volume may send its content. Nobody gets the volume until all of it is there. Without Content-Range it is "
            + "a new content; with it a part, which begins at the offset. A 409 and a 422 say in Upload-Offset where to go on.";
        put["parameters"] = new JsonArray(
            Header("Content-Range", "Which part it is: bytes A-B/T; or bytes */T, without a body, to ask for the offset, or to complete the upload."),
            Header(KeeperClient.DigestHeader, "The checksum of the whole: sha-256=:BASE64: (RFC 9530). Needed to complete what is not sent at once."));
        put["requestBody"] = new JsonObject { ["content"] = new JsonObject { [Download.MediaType] = new JsonObject { ["schema"] = Binary() } } };
        return put;
    }

    private static JsonObject Binary() => new() { ["type"] = "string", ["format"] = "binary" };
}
