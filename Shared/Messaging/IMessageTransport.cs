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

/// <summary>What a transport has to tell.</summary>
public abstract record TransportEvent
{
    private TransportEvent()
    {
    }

    /// <summary>A message came. The body is the receiver's to keep.</summary>
    public sealed record Received(PeerId Peer, ReadOnlyMemory<byte> Body) : TransportEvent;

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
