using System.Buffers.Binary;
using NUnit.Framework;
using PonyCloud.Shared.Messaging;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Messaging;

/// <summary>A way to open transports that reach each other: one that is well known and others that connect to it.</summary>
public interface ITransportNetwork : IAsyncDisposable
{
    /// <summary>The well-known one, opened before any other.</summary>
    IMessageTransport OpenServer(PeerId id);

    IMessageTransport OpenClient(PeerId id);
}

/// <summary>What every transport does. A fixture derives from it for each implementation.</summary>
public abstract class TransportContract : IDisposable
{
    protected static readonly PeerId Server = new("sparkle");

    private readonly List<IMessageTransport> _open = [];
    private ITransportNetwork _network = null!;
    private CancellationTokenSource _timeout = new();

    /// <summary>A network whose queues are small: below 50,000 messages of 1 KiB in all of them together.</summary>
    protected abstract ITransportNetwork OpenNetwork();

    protected CancellationToken Timeout => _timeout.Token;

    [SetUp]
    public void Open()
    {
        _timeout.Dispose();
        _timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        _network = OpenNetwork();
    }

    [TearDown]
    public async Task CloseAsync()
    {
        foreach (var transport in _open)
            await transport.DisposeAsync();
        _open.Clear();
        await _network.DisposeAsync();
    }

    public void Dispose()
    {
        _timeout.Dispose();
        GC.SuppressFinalize(this);
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(300)]
    [TestCase(1_000_000)]
    public async Task A_message_arrives_whole_and_names_its_sender(int length)
    {
        var (server, client) = await OpenPairAsync("pony");
        var body = new byte[length];
        new Random(length).NextBytes(body);

        Assert.That(client.TrySend(Server, body), Is.True);

        var received = await ReceiveAsync(server);
        Assert.That(received.Peer, Is.EqualTo(new PeerId("pony")));
        Assert.That(received.Body.ToArray(), Is.EqualTo(body));
    }

    [Test]
    public async Task An_answer_goes_to_the_peer_that_asked()
    {
        var (server, one) = await OpenPairAsync("one");
        var two = await JoinAsync(server, "two");

        server.TrySend(new PeerId("two"), "for two"u8.ToArray());
        server.TrySend(new PeerId("one"), "for one"u8.ToArray());

        Assert.That((await ReceiveAsync(one)).Body.ToArray(), Is.EqualTo("for one"u8.ToArray()));
        var atTwo = await ReceiveAsync(two);
        Assert.That(atTwo.Body.ToArray(), Is.EqualTo("for two"u8.ToArray()));
        Assert.That(atTwo.Peer, Is.EqualTo(Server));
    }

    [Test]
    public async Task Routing_ids_may_hold_any_byte()
    {
        var id = new string([.. Enumerable.Range(1, 255).Select(unit => (char)unit)]);
        var (server, client) = await OpenPairAsync(id);

        server.TrySend(new PeerId(id), "hello"u8.ToArray());

        Assert.That((await ReceiveAsync(client)).Body.ToArray(), Is.EqualTo("hello"u8.ToArray()));
    }

    [Test]
    public async Task Messages_between_two_peers_keep_their_order_both_ways()
    {
        const int count = 5000;
        var (server, client) = await OpenPairAsync("pony");

        var both = await Task.WhenAll(
            PassNumbersAsync(client, server, Server, count), PassNumbersAsync(server, client, new PeerId("pony"), count));

        Assert.That(both[0], Is.EqualTo(Enumerable.Range(0, count)));
        Assert.That(both[1], Is.EqualTo(Enumerable.Range(0, count)));
    }

    [TestCase("nobody")]
    [TestCase("")]
    [TestCase("an id outside Latin-1 \u2603")]
    public async Task A_message_to_an_unknown_peer_fails_as_unreachable(string id)
    {
        var (server, _) = await OpenPairAsync("pony");

        Assert.That(server.TrySend(new PeerId(id), "hello"u8.ToArray()), Is.True);

        Assert.That(
            await server.Events.ReadAsync(Timeout),
            Is.EqualTo(new TransportEvent.Failed(new PeerId(id), Undelivered.Unreachable)));
    }

    [Test]
    public async Task A_peer_that_left_becomes_unreachable()
    {
        var (server, client) = await OpenPairAsync("pony");

        await client.DisposeAsync();

        Assert.That(await SendUntilFailedAsync(server, new PeerId("pony")), Is.EqualTo(Undelivered.Unreachable));
    }

    [Test]
    public async Task A_peer_that_starts_again_under_a_new_id_is_reached_under_that()
    {
        var (server, client) = await OpenPairAsync("before");
        await client.DisposeAsync();

        var again = await JoinAsync(server, "after");
        server.TrySend(new PeerId("after"), "welcome"u8.ToArray());

        Assert.That((await ReceiveAsync(again)).Body.ToArray(), Is.EqualTo("welcome"u8.ToArray()));
        Assert.That(await SendUntilFailedAsync(server, new PeerId("before")), Is.EqualTo(Undelivered.Unreachable));
    }

    [Test]
    public async Task A_server_that_starts_again_under_its_id_is_reached_again()
    {
        var (server, client) = await OpenPairAsync("pony");
        await server.DisposeAsync();
        Assert.That(await SendUntilFailedAsync(client, Server), Is.EqualTo(Undelivered.Unreachable));

        var again = Track(_network.OpenServer(Server));
        await HelloAsync(again, client, "pony");
        // Many calls may still be queued, and their failures unread.
        await Eventually.HoldsAsync("room for a message", () =>
        {
            client.Events.TryRead(out _);
            return client.TrySend(Server, "back"u8.ToArray());
        });

        // Some calls may have been made twice; what counts is that this one comes.
        var received = await ReceiveAsync(again);
        while (received.Body.Span.SequenceEqual("hello"u8))
            received = await ReceiveAsync(again);
        Assert.That(received.Body.ToArray(), Is.EqualTo("back"u8.ToArray()));
        Assert.That(received.Peer, Is.EqualTo(new PeerId("pony")));
    }

    [Test]
    public async Task While_nobody_reads_the_sender_is_refused_and_nothing_that_was_taken_is_lost()
    {
        var (server, client) = await OpenPairAsync("pony");
        var taken = 0;
        var failed = 0;
        // Alternately sends and looks at what became of it, until the queues on the way are full.
        for (; failed == 0 && taken < 50_000; taken++)
        {
            var body = Number(taken, 1024);
            await Eventually.HoldsAsync("room for a message", () =>
            {
                // Failures that nobody reads hold the sender back as well.
                failed += ReadFailures(client);
                return client.TrySend(Server, body);
            });
            failed += ReadFailures(client);
        }
        Assert.That(failed, Is.GreaterThan(0), "the sender was held back");

        var numbers = new List<int>();
        await Eventually.HoldsAsync("all that was taken", () =>
        {
            failed += ReadFailures(client);
            while (server.Events.TryRead(out var what))
                numbers.Add(NumberOf((TransportEvent.Received)what));
            return numbers.Count + failed >= taken;
        });

        Assert.That(numbers, Is.Ordered.And.Unique);
        Assert.That(numbers, Has.Count.EqualTo(taken - failed));
    }

    [Test]
    public async Task A_disposed_transport_takes_nothing_and_its_events_end()
    {
        var (server, client) = await OpenPairAsync("pony");

        await client.DisposeAsync();
        await client.DisposeAsync();

        Assert.That(client.TrySend(Server, "late"u8.ToArray()), Is.False);
        while (await client.Events.WaitToReadAsync(Timeout))
            client.Events.TryRead(out _);
        Assert.That(client.Events.Completion.IsCompletedSuccessfully, Is.True);
        Assert.That(server.Events.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task A_transport_that_is_full_of_unread_events_can_be_disposed()
    {
        var (server, client) = await OpenPairAsync("pony");
        while (client.Events.Count < 8)
        {
            client.TrySend(new PeerId("nobody"), "hello"u8.ToArray());
            server.TrySend(new PeerId("pony"), "hello"u8.ToArray());
            Timeout.ThrowIfCancellationRequested();
        }

        await client.DisposeAsync();

        Assert.That(client.TrySend(Server, "late"u8.ToArray()), Is.False);
    }

    protected async Task<(IMessageTransport Server, IMessageTransport Client)> OpenPairAsync(string clientId)
    {
        var server = Track(_network.OpenServer(Server));
        return (server, await JoinAsync(server, clientId));
    }

    protected async Task<IMessageTransport> JoinAsync(IMessageTransport server, string clientId)
    {
        var client = Track(_network.OpenClient(new PeerId(clientId)));
        await HelloAsync(server, client, clientId);
        return client;
    }

    /// <summary>Calls until the server has heard it once; a call to a server that is not there yet fails.</summary>
    protected async Task HelloAsync(IMessageTransport server, IMessageTransport client, string clientId)
    {
        client.TrySend(Server, "hello"u8.ToArray());
        await Eventually.HoldsAsync($"{clientId} to be heard", () =>
        {
            if (client.Events.TryRead(out _))
                client.TrySend(Server, "hello"u8.ToArray());
            return server.Events.TryPeek(out _);
        });
        var heard = await server.Events.ReadAsync(Timeout);
        Assert.That(heard, Is.InstanceOf<TransportEvent.Received>().With.Property("Peer").EqualTo(new PeerId(clientId)));
    }

    protected async Task<TransportEvent.Received> ReceiveAsync(IMessageTransport transport)
    {
        var what = await transport.Events.ReadAsync(Timeout);
        return what as TransportEvent.Received ?? throw new AssertionException($"expected a message, got {what}");
    }

    protected static async Task<Undelivered> SendUntilFailedAsync(IMessageTransport sender, PeerId peer)
    {
        Undelivered? reason = null;
        await Eventually.HoldsAsync($"a message to {peer} to fail", () =>
        {
            while (reason is null && sender.Events.TryRead(out var what))
                reason = what is TransportEvent.Failed failed && failed.Peer == peer ? failed.Reason : null;
            if (reason is null)
                sender.TrySend(peer, "anybody?"u8.ToArray());
            return reason is not null;
        });
        return reason!.Value;
    }

    private IMessageTransport Track(IMessageTransport transport)
    {
        _open.Add(transport);
        return transport;
    }

    private static byte[] Number(int number, int length = 4)
    {
        var body = new byte[length];
        BinaryPrimitives.WriteInt32LittleEndian(body, number);
        return body;
    }

    private static int NumberOf(TransportEvent.Received received) => BinaryPrimitives.ReadInt32LittleEndian(received.Body.Span);

    private static int ReadFailures(IMessageTransport sender)
    {
        var count = 0;
        for (; sender.Events.TryRead(out var what); count++)
            Assert.That(what, Is.EqualTo(new TransportEvent.Failed(Server, Undelivered.QueueFull)));
        return count;
    }

    /// <summary>Sends numbers with at most 20 on their way, well below every queue: a real one counts what was read only now and then.</summary>
    private async Task<List<int>> PassNumbersAsync(IMessageTransport from, IMessageTransport to, PeerId name, int count)
    {
        var numbers = new List<int>();
        for (var next = 0; numbers.Count < count;)
        {
            while (next < count && next < numbers.Count + 20 && from.TrySend(name, Number(next)))
                next++;
            numbers.Add(NumberOf(await ReceiveAsync(to)));
        }
        return numbers;
    }
}
