using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace PonyCloud.Pony.Http;

/// <summary>A request to the API, which can be sent several times.</summary>
/// <param name="Path">Below the root of the API, such as <c>/tenant</c>; with the query.</param>
internal sealed record ApiRequest(HttpMethod Method, string Path)
{
    public const string JsonPatch = "application/json-patch+json";

    public byte[]? Body { get; init; }

    public string MediaType { get; init; } = "application/json";

    /// <summary>A body that is too large to be held, and is sent once; in place of <see cref="Body"/>.</summary>
    public HttpContent? Stream { get; init; }

    /// <summary>Further headers.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    public AuthenticationHeaderValue? Authorization { get; init; }

    /// <summary>The tag of the row that the change is based on.</summary>
    public string? IfMatch { get; init; }

    /// <summary>The server carries out requests with the same key once, so that sending it again is safe.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Whether sending it again does no more than sending it once.</summary>
    public bool IsSafeToRepeat => Method == HttpMethod.Get || Method == HttpMethod.Delete || IdempotencyKey is not null;

    public static ApiRequest Get(string path) => new(HttpMethod.Get, path);

    public static ApiRequest Delete(string path) => new(HttpMethod.Delete, path);

    public static ApiRequest Post(string path, JsonNode body) => new(HttpMethod.Post, path)
    {
        Body = Encoding.UTF8.GetBytes(body.ToJsonString()),
        IdempotencyKey = Guid.NewGuid().ToString(),
    };

    /// <summary>A JSON Patch (RFC 6902).</summary>
    public static ApiRequest Patch(string path, JsonArray operations) => new(HttpMethod.Patch, path)
    {
        Body = Encoding.UTF8.GetBytes(operations.ToJsonString()),
        MediaType = JsonPatch,
        IdempotencyKey = Guid.NewGuid().ToString(),
    };
}
