using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using NUnit.Framework;

namespace PonyCloud.EndToEnd.Tests.Platform;

/// <summary>What the REST API answered.</summary>
/// <param name="Took">From sending the request to the whole answer.</param>
public sealed record ApiAnswer(HttpStatusCode Status, string Text, TimeSpan Took)
{
    /// <exception cref="JsonReaderException">The answer is no JSON object.</exception>
    public JObject Body => JObject.Parse(Text);

    public override string ToString() => $"{(int)Status} {Text}";
}

/// <summary>A client of the REST API with one token.</summary>
public sealed class ApiClient(HttpClient http, string? token = null)
{
    public const string JsonPatch = "application/json-patch+json";

    /// <summary>Logs in with a password.</summary>
    public async Task<ApiClient> LogInAsync(string email, string password)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/token");
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{email}:{password}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", credentials);
        var answer = await SendAsync(request);
        return new ApiClient(http, Ok(answer).Body.Value<string>("token"));
    }

    /// <summary>Turns the token into one for a tenant.</summary>
    public async Task<ApiClient> ForTenantAsync(Guid tenant) =>
        new(http, (await PostAsync($"/tenant/{tenant}/token")).Body.Value<string>("token"));

    /// <exception cref="AssertionException">The answer is not a success.</exception>
    public async Task<JObject> GetAsync(string path) => Ok(await SendAsync(HttpMethod.Get, path)).Body;

    /// <exception cref="AssertionException">The answer is not a success.</exception>
    public async Task<ApiAnswer> PostAsync(string path, object? body = null) => Ok(await SendAsync(HttpMethod.Post, path, body));

    /// <summary>Makes a row.</summary>
    /// <returns>The uuid that the platform gave it.</returns>
    public async Task<Guid> CreateAsync(string path, object desired) =>
        Guid.Parse((await PostAsync(path, new { desired })).Body["uuids"]!.Value<string>("POST")!);

    /// <summary>Replaces one field of a row's desired part.</summary>
    public Task<ApiAnswer> TryReplaceAsync(string path, string field, object value) =>
        SendAsync(HttpMethod.Patch, path, new[] { new { op = "replace", path = "/desired/" + field, value } }, JsonPatch);

    /// <exception cref="AssertionException">The answer is not a success.</exception>
    public async Task ReplaceAsync(string path, string field, object value) => Ok(await TryReplaceAsync(path, field, value));

    /// <exception cref="AssertionException">The answer is not a success.</exception>
    public async Task DeleteAsync(string path) => Ok(await SendAsync(HttpMethod.Delete, path));

    public Task<ApiAnswer> SendAsync(HttpMethod method, string path, object? body = null, string mediaType = "application/json") =>
        SendTextAsync(method, path, body is null ? null : JsonConvert.SerializeObject(body), mediaType);

    public async Task<ApiAnswer> SendTextAsync(HttpMethod method, string path, string? body, string mediaType = "application/json")
    {
        using var request = new HttpRequestMessage(method, "/api/v1" + path);
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, mediaType);
        }

        return await SendAsync(request);
    }

    /// <summary>Sends bytes, or fetches some.</summary>
    /// <returns>The status, what came back, and the header of that name.</returns>
    public async Task<(HttpStatusCode Status, byte[] Content, string? Header)> TransferAsync(
        HttpMethod method, string path, byte[]? body, IReadOnlyDictionary<string, string> headers, string answered)
    {
        using var request = new HttpRequestMessage(method, "/api/v1" + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null)
            request.Content = new ByteArrayContent(body);
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content!.Headers.TryAddWithoutValidation(name, value);
        }
        using var response = await http.SendAsync(request);
        return (
            response.StatusCode,
            await response.Content.ReadAsByteArrayAsync(),
            response.Headers.TryGetValues(answered, out var values) ? values.Single() : null);
    }

    /// <summary>Opens the stream of changes that the token may read.</summary>
    public async Task<WatchedChanges> WatchAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/watch");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return new WatchedChanges(response.EnsureSuccessStatusCode(), new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    private async Task<ApiAnswer> SendAsync(HttpRequestMessage request)
    {
        var watch = Stopwatch.StartNew();
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new ApiAnswer(response.StatusCode, text, watch.Elapsed);
    }

    private static ApiAnswer Ok(ApiAnswer answer) => (int)answer.Status is >= 200 and < 300
        ? answer
        : throw new AssertionException($"The API answered {answer}");
}
