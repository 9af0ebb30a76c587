using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class LimitTests : ApiFixture
{
    private const string Category = "PonyCloud.Sparkle.Api.Security.AuditLog";

    protected override ApiOptions Options(ApiOptions options) => options with
    {
        AnonymousPerSecond = 1,
        Connections = 16,
        TrustedProxies = ["127.0.0.0/8", "198.51.100.7"],
    };

    [Test]
    public async Task Every_answer_says_that_it_is_data()
    {
        foreach (var path in new[] { "/self/ping", "/api/v1/schema", "/api/v1/host", "/nowhere" })
        {
            var headers = (await GetAsync(path)).Headers;
            Assert.That(headers.GetValues("X-Content-Type-Options"), Is.EqualTo(["nosniff"]), path);
            Assert.That(headers.GetValues("Content-Security-Policy"), Is.EqualTo(["default-src 'none'; frame-ancestors 'none'"]), path);
            Assert.That(headers.GetValues("X-Frame-Options"), Is.EqualTo(["DENY"]), path);
            Assert.That(headers.GetValues("Referrer-Policy"), Is.EqualTo(["no-referrer"]), path);
            Assert.That(headers.GetValues("Cross-Origin-Resource-Policy"), Is.EqualTo(["same-origin"]), path);
            Assert.That(headers.Contains("Server") || headers.Contains("Strict-Transport-Security"), Is.False, path);
        }
    }

    [Test]
    public async Task Who_asks_too_often_without_a_token_waits_and_who_has_one_does_not()
    {
        var answers = new List<Answer>();
        for (var i = 0; i < 50; i++)
            answers.Add(await GetAsync("/self/ping"));
        var refused = answers.First(answer => answer.Status == HttpStatusCode.TooManyRequests);
        Assert.That(refused.ProblemType, Is.EqualTo("urn:ponycloud:problem:too-many-requests"));
        Assert.That(refused.Headers.RetryAfter!.Delta, Is.GreaterThan(TimeSpan.Zero));
        Assert.That(answers.Count(answer => answer.Status == HttpStatusCode.OK), Is.GreaterThanOrEqualTo(4));
        var token = Token(Alicorn);
        for (var i = 0; i < 20; i++)
            Assert.That((await GetAsync("/api/v1/host", token)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("", 9000, 414)]
    [TestCase("X-Long: ", 20000, 431)]
    public async Task What_is_too_long_is_refused_before_it_is_looked_at(string header, int length, int status)
    {
        var filler = new string('a', length);
        var text = await RawAsync(header.Length == 0
            ? $"GET /{filler} HTTP/1.1\r\nHost: x\r\n\r\n"
            : $"GET / HTTP/1.1\r\nHost: x\r\n{header}{filler}\r\n\r\n");
        Assert.That(text, Does.StartWith($"HTTP/1.1 {status} "));
    }

    [Test]
    public async Task Too_many_headers_are_refused()
    {
        var many = string.Concat(Enumerable.Range(0, 70).Select(i => $"X-{i}: a\r\n"));
        Assert.That(await RawAsync($"GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), Does.StartWith("HTTP/1.1 431 "));
    }

    [Test]
    public async Task Connections_beyond_the_bound_are_closed()
    {
        var clients = new List<TcpClient>();
        try
        {
            var closed = 0;
            for (var i = 0; i < 24; i++)
            {
                var client = new TcpClient();
                clients.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, Address.Port);
                await client.GetStream().WriteAsync("GET /api/v1/host HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
                closed += await ReadAsync(client) == 0 ? 1 : 0;
            }
            Assert.That(closed, Is.EqualTo(8));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [TestCase("203.0.113.9", "203.0.113.9")]
    [TestCase("203.0.113.9, 192.0.2.5", "192.0.2.5")]
    [TestCase("203.0.113.9, 198.51.100.7", "203.0.113.9")]
    public async Task A_trusted_proxy_says_from_where_a_request_came(string forwarded, string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/token");
        request.Headers.Authorization = Basic(Owner, "wrong password");
        request.Headers.Add("X-Forwarded-For", forwarded);
        using var response = await Http.SendAsync(request);
        Assert.That(Log.Lines, Has.Some.Contains(Category).And.Some.Contains($"Login as owner%40a.example from {address} failed"));
    }

    private static async Task<int> ReadAsync(TcpClient client)
    {
        try
        {
            return await client.GetStream().ReadAsync(new byte[64]);
        }
        catch (IOException)
        {
            // Reset instead of closed, as the request was not read.
            return 0;
        }
    }

    private async Task<string> RawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream());
        var line = await reader.ReadLineAsync();
        return string.Create(CultureInfo.InvariantCulture, $"{line} ");
    }
}

public sealed class UntrustedProxyTests : ApiFixture
{
    [Test]
    public async Task Without_a_trusted_proxy_nobody_says_from_where_a_request_came()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/token");
        request.Headers.Authorization = Basic(Owner, "wrong password");
        request.Headers.Add("X-Forwarded-For", "203.0.113.9");
        using var response = await Http.SendAsync(request);
        Assert.That(Log.Lines, Has.Some.Contains("from 127.0.0.1 failed").And.None.Contains("203.0.113.9"));
    }
}
