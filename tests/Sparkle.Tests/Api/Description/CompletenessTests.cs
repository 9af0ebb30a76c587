using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Description;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Tests.Api.Description;

/// <summary>
/// The document tells all that the server answers. <see cref="DocumentedAnswers"/> compares every answer that any test of the
/// API gets; here is what it may not overlook, and what is compared the other way round.
/// </summary>
public sealed class CompletenessTests : ApiFixture
{
    [Test]
    public async Task Every_route_of_the_server_is_there()
    {
        var paths = Paths(await DocumentAsync()).Select(path => path.Name).ToList();
        var routes = Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Select(endpoint => "/" + endpoint.RoutePattern.RawText!.TrimStart('/')).ToList();
        // The first is the tree of mounts with the root and the tokens, the second the answer that there is nothing.
        Assert.That(routes.Where(route => route.Contains("**", StringComparison.Ordinal)), Is.EquivalentTo((string[])["/api/v1/{**path}", "/{**path}"]));
        Assert.That(routes.Where(route => !route.Contains("**", StringComparison.Ordinal)), Is.Not.Empty.And.SubsetOf(paths));
    }

    [Test]
    public async Task The_server_has_every_path_with_the_methods_that_are_told_and_no_others()
    {
        foreach (var path in Paths(await DocumentAsync()))
        {
            var address = Filled(path);
            var unheard = OpenApiIndex.MethodsOf((JObject)path.Value).Contains("PUT") ? new HttpMethod("COPY") : HttpMethod.Put;
            var answer = await SendAsync(unheard, address, Token(Alicorn));
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed), $"{address}: {answer}");
            Assert.That(
                answer.ContentHeaders.Allow.Except(["HEAD", "OPTIONS"]), Is.EquivalentTo(OpenApiIndex.MethodsOf((JObject)path.Value)), address);
        }
    }

    [Test]
    public async Task The_operations_of_a_patch_are_those_that_are_read()
    {
        var kinds = new List<PatchOperationKind>();
        foreach (var form in (await DocumentAsync())["components"]!["schemas"]!["json_patch"]!["items"]!["oneOf"]!)
        {
            var operation = new JObject(form["required"]!.Select(member => new JProperty((string)member!, "/x")));
            foreach (var name in form["properties"]!["op"]!["enum"]!)
            {
                operation["op"] = name;
                var errors = new List<FieldError>();
                kinds.Add(JsonPatch.Read([operation], errors).Single().Kind);
                Assert.That(errors, Is.Empty);
            }
        }
        Assert.That(kinds, Is.EquivalentTo(Enum.GetValues<PatchOperationKind>()));
    }

    [TestCase("the path", "GET", "/api/v2/host", 200)]
    [TestCase("the method", "DELETE", "/api/v1/", 204)]
    [TestCase("the status", "GET", "/api/v1/host", 203)]
    [TestCase("the status", "GET", "/api/v1/host", 418)]
    [TestCase("the headers X-Other", "GET", "/api/v1/host", 200, "X-Other: 1")]
    [TestCase("the headers ETag", "GET", "/api/v1/host", 200, "ETag: \"1\"")]
    [TestCase("the headers Retry-After", "GET", "/api/v1/host", 404, "Retry-After: 1", "application/problem+json")]
    [TestCase("the media type text/html", "GET", "/api/v1/host", 200, null, "text/html")]
    [TestCase("the parameter colour", "GET", "/api/v1/host?colour=red", 200)]
    [TestCase("the header If-Match of the request", "GET", "/api/v1/host", 200, null, "application/json", "If-Match")]
    [TestCase("the member /x/other", "GET", "/api/v1/host", 200, null, "application/json", null, """{"x":{"other":1}}""")]
    [TestCase("the member /x/desired/other", "GET", "/api/v1/host", 200, null, "application/json", null, """{"x":{"desired":{"name":"a","other":1}}}""")]
    [TestCase(null, "GET", "/api/v1/host", 200, "PonyCloud-Revision: 1", "application/json", null, """{"x":{"desired":{"name":"a"}}}""")]
    public async Task What_the_document_does_not_tell_is_noticed(
        string? what, string method, string path, int status, string? header = null, string mediaType = "application/json", string? sent = null, string body = "{}")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "http://x" + path);
        if (sent is not null)
            request.Headers.TryAddWithoutValidation(sent, "*");
        using var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, MediaTypeHeaderValue.Parse(mediaType)) };
        if (header?.Split(": ") is [var name, var value])
            response.Headers.TryAddWithoutValidation(name, value);
        Assert.That(await DocumentedAnswers.FindAsync(new OpenApiIndex(await DocumentAsync()), request, response), Is.EqualTo(what));
    }

    private static IEnumerable<JProperty> Paths(JObject document) => ((JObject)document["paths"]!).Properties();

    // Any key that can be one: whether there is such a row is looked at after the method.
    private static string Filled(JProperty path)
    {
        var address = path.Name;
        foreach (var parameter in path.Value["parameters"] ?? new JArray())
        {
            var schema = parameter["schema"]!;
            var key = ((string?)schema["format"] ?? (string?)schema["x-format"]) switch
            {
                "uuid" => Guid.NewGuid().ToString(),
                "int32" or "int64" => "1",
                "mac" => "52:54:00:12:34:56",
                null => schema["pattern"] is JValue { Value: string pattern } ? PatternSample.Of(pattern) : "x",
                var format => throw new InvalidOperationException($"{path.Name} has a key of the format {format}, for which there is no example here."),
            };
            address = address.Replace($"{{{parameter["name"]}}}", Uri.EscapeDataString(key!), StringComparison.Ordinal);
        }
        return address;
    }

    private async Task<JObject> DocumentAsync() => (await GetAsync("/openapi/v1.json")).Json;
}
