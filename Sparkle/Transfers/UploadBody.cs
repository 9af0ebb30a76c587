using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>Passes what a client sends on to the host, a block at a time.</summary>
/// <param name="hash">Takes the checksum of it; null when nobody asks.</param>
/// <param name="stop">Nothing more is to be read from the client.</param>
internal sealed class UploadBody(
    PipeReader from, long count, IncrementalHash? hash, Patience patience, TransferOptions options, CancellationToken stop) : HttpContent
{
    private const int BufferSize = 256 << 10;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isBegun;

    /// <summary>What went wrong at the client's end; null when nothing did.</summary>
    public Exception? ClientFailure { get; private set; }

    /// <summary>Ends when nothing is read from the client any more: a request that has failed leaves the reading behind.</summary>
    public Task Ended => Volatile.Read(ref _isBegun) ? _ended.Task : Task.CompletedTask;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _isBegun, true);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellationToken);
        try
        {
            await PassAsync(stream, any.Token);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = count;
        return true;
    }

    private async Task PassAsync(Stream stream, CancellationToken cancellationToken)
    {
        // A read that a token ends leaves the body unreadable for the server, which still has to drain it.
        await using var stopping = cancellationToken.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), from);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (var left = count; left > 0;)
            {
                // A client that takes its time is no fault of the host.
                patience.Rest();
                var read = await ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, BufferSize)), cancellationToken);
                hash?.AppendData(buffer.AsSpan(0, read));
                patience.Begin(options.IdleLimit);
                await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                // What the host has when the client goes is what an upload goes on from.
                await stream.FlushAsync(cancellationToken);
                left -= read;
            }
            patience.Begin(options.FlushLimit);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            var result = await from.ReadAsync(CancellationToken.None);
            var taken = result.Buffer.Slice(0, Math.Min(buffer.Length, result.Buffer.Length));
            taken.CopyTo(buffer.Span);
            var read = (int)taken.Length;
            from.AdvanceTo(taken.End);
            cancellationToken.ThrowIfCancellationRequested();
            return read > 0 ? read : throw new EndOfStreamException("The body ended too early.");
        }
        catch (IOException exception)
        {
            ClientFailure = exception;
            throw;
        }
    }
}
