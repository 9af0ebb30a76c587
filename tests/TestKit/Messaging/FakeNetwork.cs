using PonyCloud.Shared.Messaging;

namespace PonyCloud.TestKit.Messaging;

/// <summary>
/// A network inside the process, without threads, clocks or chance: a message moves when it is sent, or, with
/// <see cref="IsManual"/>, when the test says so. Links are one-way queues in order, bounded like real ones.
/// </summary>
public sealed class FakeNetwork
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerId, FakeTransport> _peers = [];
    private readonly Dictionary<(PeerId From, PeerId To), Queue<(ReadOnlyMemory<byte> Body, PeerOrigin? Origin)>> _links = [];
    private readonly HashSet<(PeerId From, PeerId To)> _cuts = [];

    /// <summary>Messages stay on their links until <see cref="Deliver"/>.</summary>
    public bool IsManual { get; init; }

    /// <summary>Messages that a link holds while the other side does not read.</summary>
    public int LinkCapacity { get; init; } = 1000;

    /// <summary>Messages that wait in <see cref="IMessageTransport.Events"/> of each transport.</summary>
    public int EventCapacity { get; init; } = 4096;

    /// <param name="routingId">The id under which peers know it.</param>
    /// <param name="origin">What others are told of the sender with each of its messages; null as from a peer that nobody authenticated.</param>
    /// <exception cref="InvalidOperationException">Another open transport has the id.</exception>
    public FakeTransport Open(string routingId, PeerOrigin? origin = null)
    {
        var transport = new FakeTransport(this, new PeerId(routingId), origin);
        lock (_lock)
        {
            if (!_peers.TryAdd(transport.RoutingId, transport))
                throw new InvalidOperationException($"There is a peer {routingId} already.");
        }
        return transport;
    }

    /// <summary>Links with messages on them, in the order of their names.</summary>
    public IReadOnlyList<(PeerId From, PeerId To, int Messages)> Pending
    {
        get
        {
            lock (_lock)
            {
                return [.. _links.Where(link => link.Value.Count > 0)
                    .Select(link => (link.Key.From, link.Key.To, link.Value.Count))
                    .OrderBy(link => link.From.Text, StringComparer.Ordinal).ThenBy(link => link.To.Text, StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Moves the oldest message of a link; false when there is none or its receiver has no room.</summary>
    public bool Deliver(PeerId from, PeerId to)
    {
        lock (_lock)
            return DeliverLocked(from, to);
    }

    /// <summary>Loses the oldest message of a link; false when there is none.</summary>
    public bool Lose(PeerId from, PeerId to)
    {
        lock (_lock)
            return _links.TryGetValue((from, to), out var link) && link.TryDequeue(out _);
    }

    /// <summary>Both become unreachable to each other; what is on the way between them is lost.</summary>
    public void Cut(PeerId one, PeerId other)
    {
        lock (_lock)
        {
            foreach (var link in ((PeerId, PeerId)[])[(one, other), (other, one)])
            {
                _cuts.Add(link);
                _links.Remove(link);
            }
        }
    }

    public void Mend(PeerId one, PeerId other)
    {
        lock (_lock)
        {
            _cuts.Remove((one, other));
            _cuts.Remove((other, one));
        }
    }

    internal bool Send(FakeTransport sender, PeerId to, ReadOnlyMemory<byte> body)
    {
        lock (_lock)
        {
            if (!_peers.ContainsKey(to) || _cuts.Contains((sender.RoutingId, to)))
                return sender.Put(new TransportEvent.Failed(to, Undelivered.Unreachable));
            if (!_links.TryGetValue((sender.RoutingId, to), out var link))
                _links.Add((sender.RoutingId, to), link = new Queue<(ReadOnlyMemory<byte>, PeerOrigin?)>());
            if (link.Count >= LinkCapacity)
                return sender.Put(new TransportEvent.Failed(to, Undelivered.QueueFull));
            // The receiver's to keep, whatever the sender does with its own.
            link.Enqueue((body.ToArray(), sender.Origin));
            while (!IsManual && DeliverLocked(sender.RoutingId, to))
            {
            }
            return true;
        }
    }

    /// <summary>The transport has room again.</summary>
    internal void Pull(FakeTransport receiver)
    {
        if (IsManual)
            return;
        lock (_lock)
        {
            foreach (var (from, to) in _links.Keys.Where(link => link.To == receiver.RoutingId).ToList())
            {
                while (DeliverLocked(from, to))
                {
                }
            }
        }
    }

    internal void Leave(FakeTransport transport)
    {
        lock (_lock)
        {
            _peers.Remove(transport.RoutingId);
            foreach (var link in _links.Keys.Where(link => link.From == transport.RoutingId || link.To == transport.RoutingId).ToList())
                _links.Remove(link);
        }
    }

    private bool DeliverLocked(PeerId from, PeerId to)
    {
        if (!_links.TryGetValue((from, to), out var link) || !link.TryPeek(out var message)
            || !_peers.TryGetValue(to, out var receiver) || !receiver.Put(new TransportEvent.Received(from, message.Body, message.Origin)))
        {
            return false;
        }
        link.Dequeue();
        return true;
    }
}
