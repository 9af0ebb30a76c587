using System.Runtime.ExceptionServices;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>The disk of this host failed; nothing of the upload counts any more.</summary>
internal sealed class ContentBrokenException(Exception cause) : Exception(cause.Message, cause);

/// <summary>Takes one part of an upload to the disk. What came in before a cut is kept, in whole blocks.</summary>
internal sealed class UploadPart(IVolumeContent content, Upload upload, TransferOptions options, TimeProvider time)
{
    // A multiple of the block.
    private const int BufferSize = 1 << 20;

    // Not pooled: a write that hangs keeps it.
    private readonly byte[] _buffer = new byte[BufferSize];

    /// <param name="cut">Nothing more is taken; what came in gets a limited time to reach the disk.</param>
    /// <param name="gone">Nobody wants any of it.</param>
    /// <exception cref="ContentBrokenException">It cannot be written; the upload begins again.</exception>
    /// <exception cref="OperationCanceledException">It was cut or is gone; the offset says what there is.</exception>
    /// <exception cref="IOException">The peer has cut it; likewise.</exception>
    public async Task ReceiveAsync(Stream body, CancellationToken cut, CancellationToken gone)
    {
        using var limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var limiting = cut.Register(() => limit.CancelAfter(options.FlushLimit));
        using var disk = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, gone);
        var end = await OnDiskAsync(() => WriteAsync(body, cut, disk.Token));
        end?.Throw();
    }

    /// <returns>How the body ended; null when as it should.</returns>
    private async Task<ExceptionDispatchInfo?> WriteAsync(Stream body, CancellationToken cut, CancellationToken disk)
    {
        await using var writer = await content.OpenWriteAsync(upload.Offset, disk);
        var written = 0L;
        while (true)
        {
            var (filled, isEnd, end) = await FillAsync(body, cut);
            var isLast = upload.Offset + written + filled == upload.Total;
            var kept = isLast ? filled : filled / TransferLimits.Block * TransferLimits.Block;
            if (kept > 0)
            {
                upload.Begin(written + kept);
                await writer.WriteAsync(_buffer.AsMemory(0, kept), disk);
                upload.Append(_buffer.AsSpan(0, kept));
                written += kept;
            }
            if (!isEnd)
                continue;
            await writer.CompleteAsync(disk);
            upload.Advance(written);
            return end;
        }
    }

    /// <summary>Reads until the buffer is full or the body ends, however it ends.</summary>
    private async Task<(int Filled, bool IsEnd, ExceptionDispatchInfo? End)> FillAsync(Stream body, CancellationToken cut)
    {
        var filled = 0;
        try
        {
            while (filled < BufferSize)
            {
                var count = await body.ReadAsync(_buffer.AsMemory(filled), cut);
                if (count == 0)
                    return (filled, true, null);
                filled += count;
            }
            return (filled, false, null);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return (filled, true, ExceptionDispatchInfo.Capture(exception));
        }
    }

    // Whatever was under way when the disk failed may be there or not, so that the checksum means nothing any more.
    private async Task<T> OnDiskAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (IOException exception)
        {
            upload.BeginAgain();
            throw new ContentBrokenException(exception);
        }
        catch (OperationCanceledException)
        {
            upload.BeginAgain();
            throw;
        }
    }
}
