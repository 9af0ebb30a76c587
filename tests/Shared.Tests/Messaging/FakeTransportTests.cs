using NUnit.Framework;
using PonyCloud.Shared.Messaging;
using PonyCloud.TestKit.Messaging;

namespace PonyCloud.Shared.Tests.Messaging;

[TestFixture]
public sealed class FakeTransportTests : TransportContract
{
    private static readonly PeerId One = new("one");
    private static readonly PeerId Two = new("two");

    protected override ITransportNetwork OpenNetwork() => new Network();

    [Test]
    public async Task A_manual_network_moves_loses_and_keeps_messages_as_told()
    {
        var network = new FakeNetwork { IsManual = true };
        await using var one = network.Open("one");
        await using var two = network.Open("two");
        foreach (byte number in (byte[])[1, 2, 3])
            one.TrySend(Two, new[] { number });

        Assert.That(two.Events.Count, Is.Zero);
        Assert.That(network.Pending, Is.EqualTo(new[] { (One, Two, 3) }));
        Assert.That(network.Lose(One, Two), Is.True);
        Assert.That(network.Deliver(One, Two), Is.True);
        Assert.That((await ReceiveAsync(two)).Body.ToArray(), Is.EqualTo(new byte[] { 2 }));
        Assert.That(network.Pending, Is.EqualTo(new[] { (One, Two, 1) }));
    }

    [Test]
    public async Task Peers_that_are_cut_off_are_unreachable_until_mended()
    {
        var network = new FakeNetwork();
        await using var one = network.Open("one");
        await using var two = network.Open("two");

        network.Cut(One, Two);
        one.TrySend(Two, new byte[] { 1 });
        Assert.That(await one.Events.ReadAsync(Timeout), Is.EqualTo(new TransportEvent.Failed(Two, Undelivered.Unreachable)));

        network.Mend(One, Two);
        one.TrySend(Two, new byte[] { 2 });
        Assert.That((await ReceiveAsync(two)).Body.ToArray(), Is.EqualTo(new byte[] { 2 }));
    }

    [Test]
    public async Task A_message_carries_the_origin_that_its_sender_was_opened_with()
    {
        var network = new FakeNetwork();
        var origin = new PeerOrigin(new string('k', 40), "192.0.2.1");
        await using var one = network.Open("one", origin);
        await using var two = network.Open("two");

        one.TrySend(Two, new byte[] { 1 });
        two.TrySend(One, new byte[] { 2 });

        Assert.That((await ReceiveAsync(two)).Origin, Is.EqualTo(origin));
        Assert.That((await ReceiveAsync(one)).Origin, Is.Null);
    }

    private sealed class Network : ITransportNetwork
    {
        private readonly FakeNetwork _network = new() { LinkCapacity = 100, EventCapacity = 100 };

        public IMessageTransport OpenServer(PeerId id) => _network.Open(id.Text);

        public IMessageTransport OpenClient(PeerId id) => _network.Open(id.Text);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
