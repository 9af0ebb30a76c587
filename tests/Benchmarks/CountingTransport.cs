using System.Threading.Channels;
using PonyCloud.Shared.Messaging;

namespace PonyCloud.Benchmarks;

/// <summary>Counts what goes out through a transport.</summary>
internal sealed class CountingTransport(IMessageTransport inner) : IMessageTransport
{
    private long _sent;

    public ChannelReader<TransportEvent> Events => inner.Events;

    public long Sent => Interlocked.Read(ref _sent);

    public bool TrySend(PeerId peer, ReadOnlyMemory<byte> body)
    {
        Interlocked.Increment(ref _sent);
        return inner.TrySend(peer, body);
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
