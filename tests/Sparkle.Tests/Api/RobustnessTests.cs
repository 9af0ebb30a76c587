using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class RobustnessTests : ApiFixture
{
    [Test]
    public async Task Random_bytes_on_the_port_do_no_harm([Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[256 * 1024];
        for (var i = 0; i < 8; i++)
        {
            random.NextBytes(bytes);
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Address.Port);
            var stream = client.GetStream();
            try
            {
                await stream.WriteAsync(bytes);
                client.Client.Shutdown(SocketShutdown.Send);
                await stream.CopyToAsync(Stream.Null);
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                // Being cut off half way is what such a client has to expect.
                TestContext.Out.WriteLine(exception.Message);
            }
        }
        Assert.That((await GetAsync("/self/ping")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task Broken_requests_are_answered_with_problems_and_change_nothing([Values(1, 2, 3, 4)] int seed)
    {
        var random = new Random(seed);
        var token = Token(Alicorn);
        var good = Encoding.UTF8.GetBytes($$$"""
            {"desired":{"name":"c","approved":true},"children":{"instance":{"$i":{"desired":{"name":"x","mem":64,"cpu_profile":"{{{Profile}}}"} } } } }
            """);
        for (var i = 0; i < 150; i++)
        {
            // One byte or a stretch of bytes of a good request becomes something else.
            var body = (byte[])good.Clone();
            var start = random.Next(body.Length);
            random.NextBytes(body.AsSpan(start, Math.Min(random.Next(1, 4), body.Length - start)));
            var isPatch = random.Next(2) == 0;
            var answer = isPatch
                ? await PatchAsync("/api/v1/tenant", token, body)
                : await PostAsync("/api/v1/tenant", token, body);
            Assert.That((int)answer.Status, Is.LessThan(500), $"{Encoding.UTF8.GetString(body)}: {answer}");
            if (answer.Status != HttpStatusCode.Created)
                Assert.That(answer.ContentHeaders.ContentType!.MediaType, Is.EqualTo("application/problem+json"));
        }
        Assert.That(Log.Lines, Has.None.StartsWith("Error"));
    }

    [Test]
    public async Task Broken_paths_are_answered_with_problems([Values(1, 2)] int seed)
    {
        const string Alphabet = "/tenanhos-%20FC1a.:?&=~@;,'\\$";
        var random = new Random(seed);
        var token = Token(Alicorn);
        for (var i = 0; i < 150; i++)
        {
            var path = "/api/v1/" + new string(random.GetItems(Alphabet.AsSpan(), random.Next(30)));
            var (status, text) = await RawAsync($"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
            Assert.That(status, Is.InRange(200, 499), $"{path}: {text}");
        }
        Assert.That(Log.Lines, Has.None.StartsWith("Error"));
    }

    [TestCase("/x/../api/v1/host")]
    [TestCase("/api/v1/../v1/host")]
    [TestCase("/api/v1/%2e%2e/v1/host")]
    public async Task Paths_with_dots_lead_nowhere(string path)
    {
        var (status, _) = await RawAsync($"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {Token(Alicorn)}\r\nConnection: close\r\n\r\n");
        Assert.That(status, Is.EqualTo(404));
    }

    [TestCase("http://0.0.0.0:80", "Listen")]
    [TestCase("https://127.0.0.1:80", "Listen")]
    [TestCase("http://localhost:80", "Listen")]
    [TestCase("http://127.0.0.1:80, http://192.0.2.1:80", "Listen")]
    [TestCase("http://127.0.0.1:80,", "Listen")]
    [TestCase("nonsense", "Listen")]
    public void A_bad_address_is_refused_by_name(string listen, string option) =>
        Assert.That(new ApiOptions { Listen = listen, DataDirectory = "/nowhere" }.Check().Single().Option, Is.EqualTo(option));

    [Test]
    public void Plain_http_beyond_loopback_must_be_asked_for() =>
        Assert.That(new ApiOptions { Listen = "http://[::]:80", AllowPlainHttpBeyondLoopback = true, DataDirectory = "/nowhere" }.Check(), Is.Empty);

    private async Task<(int Status, string Text)> RawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream());
        var text = await reader.ReadToEndAsync();
        return (int.Parse(text.Split(' ')[1]), text);
    }
}
