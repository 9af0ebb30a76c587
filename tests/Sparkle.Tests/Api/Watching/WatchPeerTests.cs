using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Sparkle.Tests.Api.Watching;

public sealed class WatchPeerTests : WatchFixture
{
    protected override ApiOptions Options(ApiOptions options) => options with
    {
        Watch = new WatchOptions
        {
            KeepAlive = TimeSpan.FromMilliseconds(200),
            PeerTimeout = TimeSpan.FromMilliseconds(300),
            Farewell = TimeSpan.FromMilliseconds(200),
        },
    };

    [Test]
    public async Task A_peer_that_answers_no_ping_is_dropped()
    {
        using var client = await RequestAsync(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
        Assert.That(await client.GetStream().ReadAsync(new byte[12]), Is.EqualTo(12));
        await NobodyWatchesAsync();
    }

    [TestCase("Accept: text/event-stream")]
    [TestCase("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")]
    public async Task A_peer_that_reads_nothing_is_cut_off(string headers)
    {
        using var client = await RequestAsync(headers);
        await Eventually.SeesAsync("the stream", _ => Task.FromResult(Hub.Count), count => count == 1);
        var large = new string('x', 400_000);
        for (var i = 0; i < 100; i++)
            Database.Put(Happening("1", null, PonyCloud.Shared.Entities.JsonText.Parse($"\"{large}{i}\"")));
        await NobodyWatchesAsync();
        Assert.That(Log.Lines, Has.None.StartsWith("Error"));
    }

    [TestCase("\xff\xff\xff\xff")]
    [TestCase("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0abc")]
    [TestCase("\x89\x80\0\0\0\0\x88\x80\0\0\0\0\x81\x80\0\0\0\0")]
    public async Task Broken_frames_end_the_stream_and_nothing_else(string frames)
    {
        await using var other = await BeginAsync(false, Token(Owner, TenantA));
        using var client = await RequestAsync(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(frames));
        await Eventually.SeesAsync("the end of the broken stream", _ => Task.FromResult(Hub.Count), count => count == 1);
        Database.Put(WebServer(128));
        Assert.That(await other.ChangeAsync(), Is.Not.Null);
        Assert.That(Log.Lines, Has.None.StartsWith("Error"));
    }

    [Test]
    public async Task Connecting_again_and_again_leaves_nothing_behind()
    {
        for (var i = 0; i < 20; i++)
        {
            var batch = await Task.WhenAll(Enumerable.Range(0, 50).Select(j => WatchAsync(j % 2 == 0, Token(Alicorn))));
            foreach (var client in batch)
                await client.DisposeAsync();
            await NobodyWatchesAsync();
        }
        Assert.That(Log.Lines, Has.None.StartsWith("Error"));
    }

    private async Task<TcpClient> RequestAsync(string headers)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"GET /api/v1/watch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {Token(Alicorn)}\r\n{headers}\r\n\r\n"));
        return client;
    }
}
