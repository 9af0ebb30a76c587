using System.Threading.Channels;

namespace PonyCloud.Shared.Messaging;

/// <summary>The routing id of a ZeroMQ peer: 1 to 255 bytes, kept as Latin-1 text so that it compares by value.</summary>
public readonly record struct PeerId(string Text)
{
    /// <summary>The routing id of the controller, the only one that is well known.</summary>
    public static readonly PeerId Sparkle = new("sparkle");

    public override string ToString() => Text;
}

/// <summary>Why a message did not reach its peer.</summary>
public enum Undelivered
{
    /// <summary>The peer's queue is at its high-water mark (EAGAIN).</summary>
    QueueFull,

    /// <summary>No connection has this routing id (EHOSTUNREACH).</summary>
    Unreachable,
}

/// <summary>
/// Who sent a message, as the transport found out, whatever the message says. A peer that connects again may come from
/// another address; its key stays.
/// </summary>
/// <param name="Key">The public key that the sender proved to hold: 40 characters of Z85 (rfc.zeromq.org/spec/32).</param>
/// <param name="Address">The IP address that it connects from, without a port.</param>
public sealed record PeerOrigin(string Key, string Address);

/// <summary>What a transport has to tell.</summary>
public abstract record TransportEvent
{
    private TransportEvent()
    {
    }

    /// <summary>
    /// A message came. The body is the receiver's to keep. The origin is null where the transport does not authenticate
    /// peers.
    /// </summary>
    public sealed record Received(PeerId Peer, ReadOnlyMemory<byte> Body, PeerOrigin? Origin = null) : TransportEvent;

    /// <summary>A message that <see cref="IMessageTransport.TrySend"/> took could not be handed to the peer's queue.</summary>
    public sealed record Failed(PeerId Peer, Undelivered Reason) : TransportEvent;
}

/// <summary>
/// Messages to and from peers, each one body of bytes. Best effort: what the transport takes may still be lost, and
/// the replication protocol copes with that. Nothing here blocks.
/// </summary>
public interface IMessageTransport : IAsyncDisposable
{
    /// <summary>
    /// Everything that happens, in order. Bounded: while nobody reads, peers are held back by their own queues, not by
    /// memory here. Completed when the transport is disposed.
    /// </summary>
    ChannelReader<TransportEvent> Events { get; }

    /// <summary>Queues a message; false when the transport's own bounded queue is full or it is disposed.</summary>
    bool TrySend(PeerId peer, ReadOnlyMemory<byte> body);
}
