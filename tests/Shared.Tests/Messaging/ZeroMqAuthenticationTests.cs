using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Shared.Tests.Messaging;

/// <summary>Who gets in, on real sockets, and what becomes of everybody else while a good peer goes on talking.</summary>
[TestFixture]
public sealed class ZeroMqAuthenticationTests
{
    private static readonly PeerId Server = PeerId.Sparkle;

    private readonly CurveKeys _serverKeys = CurveKeys.Generate();
    private readonly CurveKeys _goodKeys = CurveKeys.Generate();
    private readonly List<IAsyncDisposable> _open = [];
    private readonly List<TransportEvent.Received> _heard = [];
    private RecordingLog<ZeroMqTransport> _log = new();
    private CancellationTokenSource _timeout = new();

    [SetUp]
    public void SetUp()
    {
        _timeout = new CancellationTokenSource(Eventually.Patience);
        _log = new RecordingLog<ZeroMqTransport>();
    }

    [TearDown]
    public async Task CloseAsync()
    {
        foreach (var one in Enumerable.Reverse(_open))
            await one.DisposeAsync();
        _open.Clear();
        _heard.Clear();
        _timeout.Dispose();
    }

    [Test]
    public async Task A_message_names_the_key_and_the_address_of_its_sender()
    {
        var server = OpenServer();
        var client = OpenClient(server, "pony", _goodKeys);

        await TalkAsync(server, client, "pony");

        Assert.That(_heard.Where(message => message.Peer == new PeerId("pony")).Select(message => message.Origin).Distinct(),
            Is.EqualTo(new[] { new PeerOrigin(_goodKeys.PublicKey, "127.0.0.1") }));
        Assert.That(_heard.Where(message => message.Peer == Server).Select(message => message.Origin), Is.All.Null, "a client knows its server's key already");
    }

    [Test]
    public async Task Who_takes_over_a_routing_id_does_not_take_over_the_key()
    {
        var server = OpenServer();
        await TalkAsync(server, OpenClient(server, "pony", _goodKeys), "pony");
        var thief = CurveKeys.Generate();
        _heard.Clear();

        await TalkAsync(server, OpenClient(server, "pony", thief), "pony", own: false);

        Assert.That(_heard.Where(message => message.Peer != Server).Select(message => message.Origin!.Key),
            Is.All.EqualTo(thief.PublicKey).Or.EqualTo(_goodKeys.PublicKey).And.Not.Empty);
        Assert.That(_heard.Last(message => message.Peer != Server).Origin!.Key, Is.EqualTo(thief.PublicKey));
    }

    [Test]
    public async Task Who_is_refused_tries_again_by_itself_and_gets_in_when_it_is_admitted()
    {
        var gate = new Gate();
        var server = OpenServer(options => options with { Gate = gate, HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        var client = OpenClient(server, "pony", _goodKeys);

        await Eventually.HoldsAsync("a second attempt", () => server.Door!.RefusedByGate >= 2);
        Assert.That(_log.Lines.Where(line => line.Contains(_goodKeys.PublicKey, StringComparison.Ordinal)), Has.Exactly(1).Items, "once a minute");
        Assert.That(server.Door!.Handshakes, Is.Zero);
        client.TrySend(Server, "hello"u8.ToArray());
        Assert.That(await client.Events.ReadAsync(_timeout.Token), Is.EqualTo(new TransportEvent.Failed(Server, Undelivered.Unreachable)));

        gate.IsOpen = true;
        await TalkAsync(server, client, "pony");

        Assert.That(gate.Asked, Is.All.EqualTo((_goodKeys.PublicKey, "127.0.0.1")));
    }

    [Test]
    public async Task A_large_message_of_a_stranger_is_dropped_and_counted()
    {
        var gate = new Gate { IsOpen = true };
        var server = OpenServer(options => options with { Gate = gate, MaxStrangerMessageSize = 1000 });
        var client = OpenClient(server, "pony", _goodKeys);
        await TalkAsync(server, client, "pony");

        client.TrySend(Server, new byte[1001]);
        client.TrySend(Server, new byte[1000]);
        await Eventually.HoldsAsync("the smaller one", () => Hears(server, message => message.Body.Length == 1000));
        Assert.That(_heard.Any(message => message.Body.Length == 1001), Is.False);
        Assert.That(server.Door!.RefusedMessages, Is.EqualTo(1));

        gate.KnowsAll = true;
        client.TrySend(Server, new byte[1001]);
        await Eventually.HoldsAsync("the larger one", () => Hears(server, message => message.Body.Length == 1001));
        Assert.That(server.Door!.RefusedMessages, Is.EqualTo(1));
    }

    [Test]
    public async Task While_many_connections_are_open_only_known_keys_get_in()
    {
        var gate = new Gate { IsOpen = true };
        var server = OpenServer(options => options with { Gate = gate, ConnectionsForStrangers = 1, HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        await TalkAsync(server, OpenClient(server, "first", _goodKeys), "first");

        var second = OpenClient(server, "second", CurveKeys.Generate());
        await Eventually.HoldsAsync("the second to be refused", () => server.Door!.RefusedByGate > 0);

        gate.KnowsAll = true;
        await TalkAsync(server, second, "second");
    }

    [Test]
    public async Task Messages_that_nobody_reads_take_no_more_memory_than_their_budget_and_none_is_lost()
    {
        const int size = 10_000;
        const int budget = 100_000;
        const int count = 100;
        var server = OpenServer(options => options with { EventByteBudget = budget });
        var client = OpenClient(server, "pony", _goodKeys);
        await TalkAsync(server, client, "pony");

        for (var i = 0; i < count; i++)
        {
            var body = new byte[size];
            BinaryPrimitives.WriteInt32LittleEndian(body, i);
            Assert.That(client.TrySend(Server, body), Is.True);
        }
        await Eventually.HoldsAsync("the budget to be full", () => server.WaitingBytes >= budget);
        // A door that is held shut still opens for others, and what they say waits.
        var other = OpenClient(server, "other", CurveKeys.Generate());
        await Eventually.HoldsAsync("the other to be let in", () => server.Door!.Handshakes == 2);
        Assert.That(other.TrySend(Server, new byte[1]), Is.True);
        Assert.That(server.WaitingBytes, Is.InRange(budget, budget + size), "one message may exceed it");

        var numbers = new List<int>();
        while (numbers.Count < count)
        {
            Assert.That(server.WaitingBytes, Is.LessThan(budget + size));
            if (await server.Events.ReadAsync(_timeout.Token) is TransportEvent.Received({ Text: "pony" }, var body, _) && body.Length == size)
                numbers.Add(BinaryPrimitives.ReadInt32LittleEndian(body.Span));
        }
        Assert.That(numbers, Is.EqualTo(Enumerable.Range(0, count)));
    }

    [Test]
    public async Task Who_cannot_speak_as_it_must_is_refused_counted_and_named(
        [Values("no ZeroMQ", "silence", "ZMTP 2", "NULL", "PLAIN", "CURVE without sense", "an endless frame", "chance")] string what)
    {
        var server = OpenServer(options => options with { HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        var good = OpenClient(server, "good", _goodKeys);
        await TalkAsync(server, good, "good");
        var said = Sayings(what);

        for (var i = 1; i <= 3; i++)
        {
            using var stranger = new TcpClient();
            await stranger.ConnectAsync(IPAddress.Loopback, PortOf(server), _timeout.Token);
            // The address is looked up then, and libzmq may hang up on what is said sooner than that.
            await Eventually.HoldsAsync($"stranger {i} to be seen", () => server.Door!.Accepted == i + 1);
            await stranger.GetStream().WriteAsync(said, _timeout.Token);
            await Eventually.HoldsAsync($"stranger {i} to be refused", () => server.Door!.BrokenHandshakes >= i);
            await TalkAsync(server, good, "good");
        }

        Assert.That(server.Door!.BrokenHandshakes, Is.EqualTo(3));
        Assert.That(server.Door.Handshakes, Is.EqualTo(1));
        Assert.That(_log.Lines.Where(line => line.Contains("refused", StringComparison.Ordinal)), Has.Exactly(1).Contains("127.0.0.1"), "once a minute");
        OnlyHeard("good");
    }

    [Test]
    public async Task A_client_that_takes_another_for_the_server_is_refused_counted_and_named()
    {
        var server = OpenServer();
        var good = OpenClient(server, "good", _goodKeys);
        await TalkAsync(server, good, "good");

        OpenClient(server, "stranger", _goodKeys, CurveKeys.Generate().PublicKey);
        await Eventually.HoldsAsync("it to be refused, more than once", () => server.Door!.BrokenHandshakes >= 2);

        await TalkAsync(server, good, "good");
        // Once a minute for its address, and once where libzmq hung up before the address was looked up.
        Assert.That(_log.Lines.Count(line => line.Contains("not encrypted for this key", StringComparison.Ordinal)), Is.InRange(1, 2));
        OnlyHeard("good");
    }

    [Test]
    public async Task What_a_good_client_said_once_opens_nothing_to_whoever_says_it_again()
    {
        var server = OpenServer();
        byte[] recorded;
        await using (var recorder = new Recorder(PortOf(server)))
        {
            var victim = OpenClient($"tcp://127.0.0.1:{recorder.Port}", "victim", _goodKeys);
            await TalkAsync(server, victim, "victim");
            await victim.DisposeAsync();
            recorded = recorder.FromClient;
        }
        var good = OpenClient(server, "good", _goodKeys);
        await TalkAsync(server, good, "good");
        _heard.Clear();

        using var replay = new TcpClient();
        await replay.ConnectAsync(IPAddress.Loopback, PortOf(server), _timeout.Token);
        await replay.GetStream().WriteAsync(recorded, _timeout.Token);

        await Eventually.HoldsAsync("the replay to be refused", () => server.Door!.BrokenHandshakes >= 1);
        await TalkAsync(server, good, "good");
        Assert.That(server.Door!.Handshakes, Is.EqualTo(2), "the victim and the good one");
        OnlyHeard("good");
    }

    [Test]
    public async Task Thousands_of_connections_that_say_nothing_leave_a_good_peer_undisturbed()
    {
        const int silent = 5000;
        var server = OpenServer(options => options with { HandshakeTimeout = TimeSpan.FromSeconds(2) });
        var good = OpenClient(server, "good", _goodKeys);
        await TalkAsync(server, good, "good");
        var strangers = new List<Socket>(silent);
        try
        {
            for (var i = 0; i < silent; i++)
            {
                var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                strangers.Add(stranger);
                await stranger.ConnectAsync(IPAddress.Loopback, PortOf(server), _timeout.Token);
                if (i % 500 == 0)
                    await TalkAsync(server, good, "good");
            }

            await Eventually.HoldsAsync("all of them to be hung up on", () => server.Door!.BrokenHandshakes == silent);
            await TalkAsync(server, good, "good");
        }
        finally
        {
            strangers.ForEach(stranger => stranger.Dispose());
        }

        Assert.That(server.Door!.Open, Is.EqualTo(1));
        Assert.That(server.Door.Handshakes, Is.EqualTo(1), "the good peer's connection never broke");
        Assert.That(_log.Lines.Count(line => line.Contains("refused 127.0.0.1", StringComparison.Ordinal)), Is.InRange(1, 2));
        await TalkAsync(server, OpenClient(server, "newcomer", CurveKeys.Generate()), "newcomer");
    }

    private static byte[] Sayings(string what) => what switch
    {
        "no ZeroMQ" => [.. "GET / HTTP/1.1\r\nHost: sparkle\r\n\r\n"u8],
        "silence" => [],
        "ZMTP 2" => [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1, 5, 0, 0],
        "NULL" => Greeting("NULL"),
        "PLAIN" => Greeting("PLAIN"),
        // A HELLO of the right length whose box nobody closed.
        "CURVE without sense" => [.. Greeting("CURVE"), 0x04, 200, 5, .. "HELLO"u8, 1, 0, .. new byte[192]],
        "an endless frame" => [.. Greeting("CURVE"), 0x06, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        // Not 0xFF, 0x7F, ...: it must not begin like a greeting by chance.
        _ => [0x55, .. Enumerable.Range(0, 10_000).Select(i => (byte)(i * 7919 >> 3))],
    };

    private static byte[] Greeting(string mechanism)
    {
        var greeting = new byte[64];
        ((byte[])[0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0]).CopyTo(greeting, 0);
        System.Text.Encoding.ASCII.GetBytes(mechanism, greeting.AsSpan(12));
        return greeting;
    }

    private static int PortOf(ZeroMqTransport server) => new Uri(server.LastEndpoint).Port;

    private ZeroMqTransport OpenServer(Func<ZeroMqOptions, ZeroMqOptions>? adjust = null)
    {
        var options = ZeroMqOptions.Server("tcp://127.0.0.1:*", Server.Text) with { Curve = new ZeroMqCurve.Server(_serverKeys) };
        var server = new ZeroMqTransport(adjust is null ? options : adjust(options), _log);
        _open.Add(server);
        return server;
    }

    private ZeroMqTransport OpenClient(ZeroMqTransport server, string id, CurveKeys keys, string? serverKey = null) =>
        OpenClient(server.LastEndpoint, id, keys, serverKey);

    private ZeroMqTransport OpenClient(string endpoint, string id, CurveKeys keys, string? serverKey = null)
    {
        var client = new ZeroMqTransport(ZeroMqOptions.Client(endpoint) with
        {
            RoutingId = id,
            Curve = new ZeroMqCurve.Client(keys, serverKey ?? _serverKeys.PublicKey),
            ReconnectInterval = TimeSpan.FromMilliseconds(20),
        });
        _open.Add(client);
        return client;
    }

    /// <summary>A word from the client and an answer to it, each repeated until it is heard.</summary>
    private async Task TalkAsync(ZeroMqTransport server, ZeroMqTransport client, string id, bool own = true)
    {
        var word = Guid.NewGuid().ToByteArray();
        var peer = new PeerId(id);
        await Eventually.HoldsAsync($"the server to hear {id}", () => client.TrySend(Server, word) && Hears(server, Is(peer, word)));
        if (own)
            await Eventually.HoldsAsync($"{id} to hear the server", () => server.TrySend(peer, word) && Hears(client, Is(Server, word)));

        static Func<TransportEvent.Received, bool> Is(PeerId peer, byte[] word) =>
            message => message.Peer == peer && message.Body.Span.SequenceEqual(word);
    }

    private bool Hears(ZeroMqTransport transport, Func<TransportEvent.Received, bool> isIt)
    {
        var heard = false;
        while (transport.Events.TryRead(out var what))
        {
            if (what is not TransportEvent.Received received)
                continue;
            _heard.Add(received);
            heard |= isIt(received);
        }
        return heard;
    }

    private void OnlyHeard(string id) =>
        Assert.That(_heard.Select(message => message.Peer).Distinct(), Is.SubsetOf(new[] { Server, new PeerId(id) }));

    /// <summary>Says what the test wants, and keeps what it was asked.</summary>
    private sealed class Gate : IPeerGate
    {
        private readonly List<(string Key, string Address)> _asked = [];

        public volatile bool IsOpen;

        public volatile bool KnowsAll;

        public IReadOnlyList<(string Key, string Address)> Asked
        {
            get
            {
                lock (_asked)
                    return [.. _asked];
            }
        }

        public bool Admits(string key, string address)
        {
            lock (_asked)
                _asked.Add((key, address));
            return IsOpen;
        }

        public bool Knows(string key) => KnowsAll;
    }

    /// <summary>Stands between a client and its server, and keeps what the client says.</summary>
    private sealed class Recorder : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly MemoryStream _said = new();
        private readonly Task _passing;

        public Recorder(int target)
        {
            _listener.Start();
            _passing = PassAsync(target);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public byte[] FromClient
        {
            get
            {
                lock (_said)
                    return _said.ToArray();
            }
        }

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _passing;
            _said.Dispose();
        }

        private async Task PassAsync(int target)
        {
            using var client = await _listener.AcceptTcpClientAsync();
            using var server = new TcpClient();
            await server.ConnectAsync(IPAddress.Loopback, target);
            var back = server.GetStream().CopyToAsync(client.GetStream());
            var buffer = new byte[4096];
            int count;
            while ((count = await client.GetStream().ReadAsync(buffer)) > 0)
            {
                lock (_said)
                    _said.Write(buffer, 0, count);
                await server.GetStream().WriteAsync(buffer.AsMemory(0, count));
            }
            server.Close();
            try
            {
                await back;
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                // Both ends are closed, and that is how it ends, in the middle of a read or just before one.
            }
        }
    }
}
