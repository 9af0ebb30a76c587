using System.Buffers;
using System.Net;
using Microsoft.Win32.SafeHandles;

namespace PonyCloud.Pony.Contents;

/// <summary>Sends a file from an offset to its end.</summary>
/// <param name="moved">Told how far it is, in bytes of the file.</param>
internal sealed class FileBody(SafeFileHandle file, long from, long total, Silence silence, Action<long> moved) : HttpContent
{
    public const int BlockSize = 256 << 10;

    /// <summary>Why the file could not be read; null when that is not what failed.</summary>
    public PonyException? Failure { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            for (var at = from; at < total;)
            {
                var count = await ReadAsync(buffer.AsMemory(0, (int)Math.Min(BlockSize, total - at)), at, cancellationToken);
                silence.Allow(Silence.OfBlock);
                await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                at += count;
                moved(at);
            }
            silence.Allow(Silence.OfEnd);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = total - from;
        return true;
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, long at, CancellationToken cancellation)
    {
        try
        {
            var count = await RandomAccess.ReadAsync(file, buffer, at, cancellation);
            return count > 0 ? count : throw new EndOfStreamException("it has become shorter");
        }
        catch (IOException exception)
        {
            throw Failure = new PonyException(ExitCode.Internal, $"The file cannot be read: {exception.Message}", exception);
        }
    }
}
