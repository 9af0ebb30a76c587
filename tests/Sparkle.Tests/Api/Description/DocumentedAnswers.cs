using System.Text;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Description;

namespace PonyCloud.Sparkle.Tests.Api.Description;

/// <summary>
/// Stands between a test and the server, and fails the test when a request is answered in a way that the OpenAPI document
/// does not tell: another path, method, parameter, status, header, media type or member.
/// </summary>
public sealed class DocumentedAnswers(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    // What HTTP has in every message.
    private static readonly HashSet<string> OfHttp = new(
        ["Date", "Connection", "Transfer-Encoding", "Content-Length", "Content-Type"], StringComparer.OrdinalIgnoreCase);

    private static readonly Lazy<OpenApiIndex> Document = new(() =>
        new OpenApiIndex(JObject.Parse(Encoding.UTF8.GetString(OpenApiWriter.Write(new ResourceTree(EntityCatalog.Load())).Bytes.Span))));

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (response.Content.Headers.ContentType?.MediaType is "application/json")
            await response.Content.LoadIntoBufferAsync(cancellationToken);
        var undocumented = await FindAsync(Document.Value, request, response);
        if (undocumented is not null)
        {
            response.Dispose();
            Assert.Fail($"Not in the OpenAPI document: {request.Method} {request.RequestUri!.PathAndQuery} answers {(int)response.StatusCode}; {undocumented}");
        }
        return response;
    }

    /// <summary>What of an answer is not in the document; null when all is.</summary>
    internal static async Task<string?> FindAsync(OpenApiIndex document, HttpRequestMessage request, HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        var problem = document.Responses["problem"]!;
        if (document.FindPath(request.RequestUri!.AbsolutePath) is not { } path)
            return status < 400 ? "the path" : HeaderOf(document, problem, response);
        var methods = OpenApiIndex.MethodsOf(path);
        if (request.Method == HttpMethod.Options || status == 405)
        {
            var allowed = response.Content.Headers.Allow.Where(method => method is not ("HEAD" or "OPTIONS")).Order(StringComparer.Ordinal);
            return allowed.SequenceEqual(methods.Order(StringComparer.Ordinal)) || status is 401 or 403 or 404
                ? null
                : $"the methods are {string.Join(", ", allowed)} and not {string.Join(", ", methods)}";
        }
        var method = request.Method == HttpMethod.Head ? HttpMethod.Get : request.Method;
        if (!methods.Contains(method.Method))
            return status < 400 ? "the method" : null;
        var operation = (JObject)path[method.Method.ToLowerInvariant()]!;
        if (document.Resolve(operation["responses"]![$"{status}"] ?? (status == 500 ? problem : null)) is not { } answer)
            return "the status";
        return HeaderOf(document, answer, response) ?? ContentOf(answer, response, request.Method)
            ?? (status < 400 ? ParameterOf(document, operation, request) ?? await MemberOfAsync(document, answer, response) : null);
    }

    private static string? HeaderOf(OpenApiIndex document, JToken answer, HttpResponseMessage response)
    {
        var known = ((JObject?)answer["headers"] ?? []).Properties().Concat(document.HeadersOfEveryAnswer.Properties()).Select(header => header.Name);
        var unknown = response.Headers.Concat(response.Content.Headers).Select(header => header.Key)
            .Except(known, StringComparer.OrdinalIgnoreCase).Where(name => !OfHttp.Contains(name)).ToList();
        return unknown.Count > 0 ? $"the headers {string.Join(", ", unknown)}" : null;
    }

    private static string? ContentOf(JToken answer, HttpResponseMessage response, HttpMethod method)
    {
        var mediaType = response.Content.Headers.ContentType?.MediaType;
        var known = ((JObject?)answer["content"] ?? []).Properties().Select(content => content.Name).ToList();
        if (mediaType is null)
            return known.Count == 0 || method == HttpMethod.Head ? null : "an answer without a body";
        return known.Contains(mediaType) ? null : $"the media type {mediaType}";
    }

    private static string? ParameterOf(OpenApiIndex document, JObject operation, HttpRequestMessage request)
    {
        var parameters = (operation["parameters"] ?? new JArray()).Select(parameter => document.Resolve(parameter)!).ToList();
        var query = request.RequestUri!.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => Uri.UnescapeDataString(pair.Split('=')[0]));
        var unknown = query.Except(Names("query")).Select(name => $"the parameter {name}")
            .Concat(request.Headers.Select(header => header.Key).Where(document.HeaderParameters.Contains)
                .Except(Names("header"), StringComparer.OrdinalIgnoreCase).Select(name => $"the header {name} of the request"));
        var body = request.Content?.Headers.ContentType?.MediaType;
        if (body is not null && operation["requestBody"]?["content"]?[body] is null && request.Content!.Headers.ContentLength > 0)
            unknown = unknown.Append($"a body of the media type {body}");
        return unknown.FirstOrDefault();

        IEnumerable<string> Names(string where) => parameters.Where(parameter => (string)parameter["in"]! == where).Select(parameter => (string)parameter["name"]!);
    }

    private static async Task<string?> MemberOfAsync(OpenApiIndex document, JToken answer, HttpResponseMessage response)
    {
        if (answer["content"]?["application/json"]?["schema"] is not { } schema)
            return null;
        var text = await response.Content.ReadAsStringAsync();
        return text.Length == 0 ? null : document.FindUnknownMember([schema], JToken.Parse(text), "");
    }
}

/// <summary>An OpenAPI document, to be asked what it says of a request.</summary>
internal sealed class OpenApiIndex
{
    private readonly JObject _document;
    private readonly List<(string[] Segments, JObject Item)> _paths;

    public OpenApiIndex(JObject document)
    {
        _document = document;
        _paths = [.. ((JObject)document["paths"]!).Properties().Select(path => (Segments(path.Name), (JObject)path.Value))];
        HeaderParameters = [.. document.SelectTokens("$..parameters..[?(@.in=='header')].name").Select(name => (string)name!)];
    }

    public JObject Responses => (JObject)_document["components"]!["responses"]!;

    public JObject HeadersOfEveryAnswer => (JObject)_document["x-headers-of-every-answer"]!;

    /// <summary>The headers of requests that any operation heeds.</summary>
    public HashSet<string> HeaderParameters { get; }

    /// <summary>The path item for a path; a literal segment goes before a parameter.</summary>
    public JObject? FindPath(string path)
    {
        var segments = Segments(path);
        return _paths.Where(known => known.Segments.Length == segments.Length
                && known.Segments.Zip(segments).All(pair => pair.First.StartsWith('{') || pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase)))
            .OrderBy(known => known.Segments.Count(segment => segment.StartsWith('{'))).Select(known => known.Item).FirstOrDefault();
    }

    public static IReadOnlyList<string> MethodsOf(JObject item) =>
        [.. item.Properties().Select(member => member.Name).Where(name => name != "parameters").Select(name => name.ToUpperInvariant())];

    public JToken? Resolve(JToken? token) => token?["$ref"] is JValue { Value: string reference }
        ? reference[2..].Split('/').Aggregate((JToken)_document, (at, name) => at[name]!)
        : token;

    /// <summary>A member that none of the schemas has; null when there is none.</summary>
    public string? FindUnknownMember(IReadOnlyList<JToken> schemas, JToken value, string pointer)
    {
        var resolved = schemas.SelectMany(Alternatives).ToList();
        if (value is JArray list)
        {
            var items = resolved.Select(schema => schema["items"]).OfType<JObject>().ToList();
            return items.Count == 0 ? null : list.Select((item, i) => FindUnknownMember(items, item, $"{pointer}/{i}")).FirstOrDefault(found => found is not null);
        }
        // What says nothing of its members may have any.
        if (value is not JObject row || resolved.All(schema => schema["properties"] is null && schema["additionalProperties"] is null))
            return null;
        foreach (var member in row.Properties())
        {
            var known = resolved.Select(schema => schema["properties"]?[member.Name] ?? schema["additionalProperties"]).OfType<JObject>().ToList();
            if (known.Count == 0)
                return $"the member {pointer}/{member.Name}";
            if (FindUnknownMember(known, member.Value, $"{pointer}/{member.Name}") is { } found)
                return found;
        }
        return null;
    }

    // One slash at the end is as good as none; two are another path.
    private static string[] Segments(string path) => (path.EndsWith('/') ? path[..^1] : path).Split('/');

    private IEnumerable<JToken> Alternatives(JToken schema)
    {
        var resolved = Resolve(schema)!;
        return resolved["allOf"] is JArray all ? all.SelectMany(Alternatives) : [resolved];
    }
}
