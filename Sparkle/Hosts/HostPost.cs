using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// Says things to Twilights in the name of this controller's epoch. A controller that has none, or no longer, says nothing
/// (R16).
/// </summary>
internal sealed class HostPost(MessageCodec codec, IMessageTransport transport, IStateView view, TimeProvider time)
{
    /// <summary>Best effort, to somebody without a session.</summary>
    /// <returns>False when the transport's queue is full.</returns>
    public bool Send(PeerId peer, Message message) =>
        view.Epoch is not { } epoch || transport.TrySend(peer, codec.Encode(message with { Epoch = epoch }));

    /// <summary>What cannot be sent breaks the stream, and is in the full state that the host asks for then (R13).</summary>
    public void Send(HostSession session, Message message)
    {
        session.LastSent = time.GetElapsedTime(0);
        if (!Send(session.Peer, message))
            session.Feed.Break();
    }

    public void Send(HostSession session, StateMessage message) => Send(session, message switch
    {
        StateUpdate update => new Message.SparkleUpdate(update) { Taken = session.Receiver.Taken },
        StateChunk chunk => new Message.SparkleChunk(chunk),
        _ => throw new InvalidOperationException($"{message.GetType().Name} is not sent."),
    });

    public void Send(HostSession session, IReadOnlyList<StateMessage> messages)
    {
        foreach (var message in messages)
            Send(session, message);
    }
}
