using System.Threading.Channels;

namespace PonyCloud.Twilight.Consoles;

/// <summary>What one viewer of a serial port has still to be sent.</summary>
internal sealed class SerialViewer(int behindMax)
{
    private readonly Channel<ReadOnlyMemory<byte>> _parts = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();
    private int _behind;

    /// <summary>Never waits: who is too far behind gets no more, and its stream ends where it is.</summary>
    public void Offer(ReadOnlyMemory<byte> part)
    {
        if (Interlocked.Add(ref _behind, part.Length) > behindMax)
            _parts.Writer.TryComplete(new IOException("The viewer takes more slowly than the guest writes."));
        else
            _parts.Writer.TryWrite(part);
    }

    /// <summary>The port has ended; what there is is still sent.</summary>
    public void End() => _parts.Writer.TryComplete();

    /// <summary>Sends until the end.</summary>
    /// <exception cref="IOException">The viewer was too slow, or has gone.</exception>
    public async Task SendAsync(Stream to, CancellationToken cancellationToken)
    {
        await foreach (var part in _parts.Reader.ReadAllAsync(cancellationToken))
        {
            await to.WriteAsync(part, cancellationToken);
            Interlocked.Add(ref _behind, -part.Length);
        }
    }
}
