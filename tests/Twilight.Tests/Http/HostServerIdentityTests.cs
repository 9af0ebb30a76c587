using System.Net;
using System.Net.Http.Headers;
using NUnit.Framework;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Tests.Storage.Transfers;

namespace PonyCloud.Twilight.Tests.Http;

public sealed class HostServerIdentityTests
{
    [Test]
    public async Task Without_the_token_there_is_nothing([Values("GET", "HEAD", "PUT", "DELETE")] string method)
    {
        await using var bench = await TransferBench.StartAsync();
        bench.Contents[TransferBench.Volume] = new MemoryContent(new byte[10]);
        var token = bench.Identity.Token;
        foreach (var path in new[] { $"/volume/{TransferBench.Volume}", "/", "/elsewhere" })
        {
            foreach (var header in new[] { null, "Bearer", "Bearer ", "Bearer " + token[1..], "Basic " + token })
            {
                bench.Http.DefaultRequestHeaders.Authorization = header is null ? null : AuthenticationHeaderValue.Parse(header);
                using var response = await bench.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
                Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized), $"{path} {header}");
                Assert.That(await response.Content.ReadAsByteArrayAsync(), Is.Empty);
            }
        }
    }

    [Test]
    public async Task Each_start_has_a_certificate_and_a_token_of_its_own()
    {
        await using var one = await TransferBench.StartAsync();
        await using var two = await TransferBench.StartAsync();
        Assert.Multiple(() =>
        {
            Assert.That(one.Identity.Token, Has.Length.EqualTo(64).And.Not.EqualTo(two.Identity.Token));
            Assert.That(one.Identity.Fingerprint, Does.Match("^[0-9a-f]{64}$").And.Not.EqualTo(two.Identity.Fingerprint));
            Assert.That(one.Identity.Endpoint, Does.Match("^https://127\\.0\\.0\\.1:[0-9]+$"));
        });
    }

    [Test]
    public void No_log_shows_the_token() =>
        Assert.That(new HostServerIdentity("https://a:1", "f", "secret").ToString(), Does.Not.Contain("secret"));

    [Test]
    public async Task A_server_with_another_certificate_is_not_talked_to()
    {
        await using var one = await TransferBench.StartAsync();
        await using var two = await TransferBench.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, two.Identity.Endpoint);
        Assert.That(async () => await one.Http.SendAsync(request), Throws.InstanceOf<HttpRequestException>());
    }
}
