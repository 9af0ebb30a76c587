using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PonyCloud.Pony.Http;

/// <summary>What the server answered: a success, always.</summary>
internal sealed record ApiAnswer(int Status, byte[] Body, HttpResponseHeaders Headers)
{
    /// <summary>The order stands in a journal of the controller, since its database is away.</summary>
    public bool IsJournaled => Status == 202;

    public string Text => Encoding.UTF8.GetString(Body);

    public string? ETag => Headers.ETag?.ToString();

    /// <summary>Which state was read: a stream of changes can begin behind it. Means something to the server only.</summary>
    public string? Revision => Headers.TryGetValues("PonyCloud-Revision", out var revisions) ? revisions.First() : null;

    /// <summary>Where the rest of a collection is; null when this is its end. With its query, as it was sent.</summary>
    public string? NextPage => Headers.TryGetValues("Link", out var links)
        ? links.SelectMany(link => link.Split(','))
            .Where(link => link.Contains("rel=\"next\"", StringComparison.Ordinal) && link.Contains('>', StringComparison.Ordinal))
            .Select(link => link[(link.IndexOf('<', StringComparison.Ordinal) + 1)..link.IndexOf('>', StringComparison.Ordinal)])
            .FirstOrDefault()
        : null;

    /// <exception cref="PonyException">It is no JSON object.</exception>
    public JsonObject Json
    {
        get
        {
            try
            {
                return JsonNode.Parse(Body) as JsonObject ?? throw new JsonException("no object");
            }
            catch (JsonException exception)
            {
                throw new PonyException(ExitCode.Unavailable, "The server's answer is not the JSON that was expected. Is it a PonyCloud server?", exception);
            }
        }
    }
}
