using System.Net.Sockets;
using NUnit.Framework;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Messaging;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Shared.Tests.Messaging;

/// <summary>What only real sockets have: connections that break, ports that are taken, keys, and strangers.</summary>
public sealed class ZeroMqConnectionTests
{
    private static readonly PeerId Server = PeerId.Sparkle;

    private readonly List<IAsyncDisposable> _open = [];
    private readonly HashSet<PeerId> _heard = [];
    private CancellationTokenSource _timeout = new();

    private CancellationToken Timeout => _timeout.Token;

    [SetUp]
    public void SetUp() => _timeout = new CancellationTokenSource(Eventually.Patience);

    [TearDown]
    public async Task CloseAsync()
    {
        foreach (var one in Enumerable.Reverse(_open))
        {
            await one.DisposeAsync();
        }

        _open.Clear();
        _heard.Clear();
        _timeout.Dispose();
    }

    [Test]
    public async Task Ten_megabytes_of_chance_do_not_keep_a_good_peer_from_talking([Values] bool behindGreeting)
    {
        var server = OpenServer();
        var good = OpenClient(PortOf(server), "good");
        await TalkAsync(server, good, "good");

        byte[] greeting = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0, .. "NULL"u8, .. new byte[48]];
        await ThrowAsync(PortOf(server), 10 * 1024 * 1024, behindGreeting ? greeting : []);

        await TalkAsync(server, good, "good");
        await TalkAsync(server, OpenClient(PortOf(server), "newcomer"), "newcomer");
    }

    [Test]
    public async Task A_frame_that_is_too_large_disconnects_its_sender_and_nobody_else()
    {
        var server = OpenServer(options => options with { MaxMessageSize = 10_000 });
        var goodProxy = Open(new HalfOpenProxy(PortOf(server)));
        var badProxy = Open(new HalfOpenProxy(PortOf(server)));
        var good = OpenClient(goodProxy.Port, "good");
        var bad = OpenClient(badProxy.Port, "bad");
        await TalkAsync(server, good, "good");
        await TalkAsync(server, bad, "bad");

        bad.TrySend(Server, new byte[10_001]);

        Assert.That(await badProxy.Closed.ReadAsync(Timeout), Is.EqualTo(1));
        await TalkAsync(server, good, "good");
        Assert.That(goodProxy.Closed.Count, Is.Zero);
        // What it says afterwards, within the limit, is welcome again.
        await TalkAsync(server, bad, "bad");
    }

    [Test]
    public async Task A_client_with_the_right_server_key_talks_in_cipher()
    {
        var keys = CurveKeys.Generate();
        var server = OpenServer(options => options with { Curve = new ZeroMqCurve.Server(keys) });
        var client = OpenClient(PortOf(server), "pony", new ZeroMqCurve.Client(CurveKeys.Generate(), keys.PublicKey));

        await TalkAsync(server, client, "pony");
    }

    [Test]
    public async Task A_client_with_a_wrong_server_key_or_none_gets_nowhere([Values] bool hasKey)
    {
        var keys = CurveKeys.Generate();
        var server = OpenServer(options => options with { Curve = new ZeroMqCurve.Server(keys) });
        var proxy = Open(new HalfOpenProxy(PortOf(server)));
        var stranger = OpenClient(
            proxy.Port, "stranger", hasKey ? new ZeroMqCurve.Client(CurveKeys.Generate(), CurveKeys.Generate().PublicKey) : null);

        await proxy.Closed.ReadAsync(Timeout);

        stranger.TrySend(Server, "hello"u8.ToArray());
        Assert.That(await stranger.Events.ReadAsync(Timeout), Is.EqualTo(new TransportEvent.Failed(Server, Undelivered.Unreachable)));
        var good = OpenClient(PortOf(server), "good", new ZeroMqCurve.Client(CurveKeys.Generate(), keys.PublicKey));
        await TalkAsync(server, good, "good");
        Assert.That(_heard, Does.Not.Contain(new PeerId("stranger")));
        server.TrySend(new PeerId("stranger"), "hello"u8.ToArray());
        await Eventually.HoldsAsync("the stranger to be unknown", () => FailuresOf(server).Contains(new PeerId("stranger")));
    }

    [Test]
    public void A_port_that_is_taken_is_named_with_the_reason()
    {
        var server = OpenServer();

        Assert.That(
            () => new ZeroMqTransport(ZeroMqOptions.Server(server.LastEndpoint, Server.Text)),
            Throws.InstanceOf<ZeroMqException>().With.Message.Contains(server.LastEndpoint).And.Message.Contains("Address already in use"));
    }

    [Test]
    public async Task A_client_that_connects_again_is_heard_while_the_server_still_holds_its_old_connection()
    {
        // So long a heartbeat that the server never finds out by itself.
        var server = OpenServer(options => options with { HeartbeatInterval = TimeSpan.FromMinutes(30), HeartbeatTimeout = TimeSpan.FromMinutes(59) });
        var proxy = Open(new HalfOpenProxy(PortOf(server)));
        var client = OpenClient(proxy.Port, "pony");
        await TalkAsync(server, client, "pony");
        Assert.That(await proxy.Opened.ReadAsync(Timeout), Is.EqualTo(1));

        proxy.CutClients();

        Assert.That(await proxy.Opened.ReadAsync(Timeout), Is.EqualTo(2));
        await TalkAsync(server, client, "pony");
        await TalkAsync(server, client, "pony");
    }

    private static int PortOf(ZeroMqTransport server) => new Uri(server.LastEndpoint).Port;

    private ZeroMqTransport OpenServer(Func<ZeroMqOptions, ZeroMqOptions>? adjust = null)
    {
        var options = ZeroMqOptions.Server("tcp://127.0.0.1:*", Server.Text);
        return Open(new ZeroMqTransport(adjust is null ? options : adjust(options)));
    }

    private ZeroMqTransport OpenClient(int port, string id, ZeroMqCurve? curve = null) => Open(new ZeroMqTransport(
        ZeroMqOptions.Client($"tcp://127.0.0.1:{port}") with { RoutingId = id, Curve = curve, ReconnectInterval = TimeSpan.FromMilliseconds(20) }));

    private T Open<T>(T one)
        where T : IAsyncDisposable
    {
        _open.Add(one);
        return one;
    }

    /// <summary>
    /// A word from the client and an answer to it. What is sent while a connection comes or goes may get lost, so the word is
    /// repeated until it is heard, and the answer too; each exchange has words of its own.
    /// </summary>
    private async Task TalkAsync(ZeroMqTransport server, ZeroMqTransport client, string id)
    {
        var word = Guid.NewGuid().ToByteArray();
        var peer = new PeerId(id);
        await Eventually.HoldsAsync($"the server to hear {id}", () => client.TrySend(Server, word) && Hears(server, peer, word));
        await Eventually.HoldsAsync($"{id} to hear the server", () => server.TrySend(peer, word) && Hears(client, Server, word));
    }

    private bool Hears(ZeroMqTransport transport, PeerId peer, byte[] word)
    {
        var heard = false;
        while (transport.Events.TryRead(out var what))
        {
            if (what is TransportEvent.Received(var from, var body, _))
            {
                _heard.Add(from);
                heard |= from == peer && body.Span.SequenceEqual(word);
            }
        }

        return heard;
    }

    private static List<PeerId> FailuresOf(ZeroMqTransport transport)
    {
        var peers = new List<PeerId>();
        while (transport.Events.TryRead(out var what))
        {
            if (what is TransportEvent.Failed(var peer, Undelivered.Unreachable))
            {
                peers.Add(peer);
            }
        }

        return peers;
    }

    private async Task ThrowAsync(int port, int bytes, byte[] opening)
    {
        var random = new Random(port);
        var chunk = new byte[64 * 1024];
        for (var sent = 0; sent < bytes;)
        {
            using var stranger = new TcpClient();
            await stranger.ConnectAsync("127.0.0.1", port, Timeout);
            // What begins with no greeting is taken for ZMTP 1.0, which has none: then strangers do say something, as far as it has a form.
            try
            {
                await stranger.GetStream().WriteAsync(opening, Timeout);
                while (sent < bytes)
                {
                    random.NextBytes(chunk);
                    sent += chunk.Length;
                    await stranger.GetStream().WriteAsync(chunk, Timeout);
                }
            }
            catch (IOException)
            {
                // It was hung up on, as it may be; what was on its way counts.
            }
        }
    }
}
