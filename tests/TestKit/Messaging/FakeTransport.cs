using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using PonyCloud.Shared.Messaging;

namespace PonyCloud.TestKit.Messaging;

/// <summary>A transport of a <see cref="FakeNetwork"/>, from <see cref="FakeNetwork.Open"/>.</summary>
public sealed class FakeTransport : IMessageTransport
{
    private readonly FakeNetwork _network;
    private readonly Channel<TransportEvent> _events;
    private readonly PullingReader _reader;
    private volatile bool _isClosed;

    internal FakeTransport(FakeNetwork network, PeerId routingId, PeerOrigin? origin)
    {
        _network = network;
        RoutingId = routingId;
        Origin = origin;
        _events = Channel.CreateBounded<TransportEvent>(network.EventCapacity);
        _reader = new PullingReader(this);
    }

    public PeerId RoutingId { get; }

    /// <summary>What others are told of it with each of its messages.</summary>
    public PeerOrigin? Origin { get; }

    public ChannelReader<TransportEvent> Events => _reader;

    public bool TrySend(PeerId peer, ReadOnlyMemory<byte> body) => !_isClosed && _network.Send(this, peer, body);

    public ValueTask DisposeAsync()
    {
        _isClosed = true;
        _network.Leave(this);
        _events.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    internal bool Put(TransportEvent what) => _events.Writer.TryWrite(what);

    /// <summary>Lets the links go on where the reader made room.</summary>
    private sealed class PullingReader(FakeTransport transport) : ChannelReader<TransportEvent>
    {
        public override bool CanCount => true;

        public override bool CanPeek => true;

        public override int Count => transport._events.Reader.Count;

        public override Task Completion => transport._events.Reader.Completion;

        public override bool TryRead([MaybeNullWhen(false)] out TransportEvent item)
        {
            var read = transport._events.Reader.TryRead(out item);
            if (read)
                transport._network.Pull(transport);
            return read;
        }

        public override bool TryPeek([MaybeNullWhen(false)] out TransportEvent item) => transport._events.Reader.TryPeek(out item);

        public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) =>
            transport._events.Reader.WaitToReadAsync(cancellationToken);
    }
}
