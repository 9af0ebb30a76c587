using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using PonyCloud.Twilight.Http;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>Answers GET and HEAD for a content that is whole.</summary>
internal sealed partial class DownloadHandler(TransferSlots slots, ILogger logger)
{
    private const int BufferSize = 256 << 10;

    /// <exception cref="OperationCanceledException">The peer went, or the content is withdrawn.</exception>
    public async Task AnswerAsync(HttpContext context, Guid volume, IVolumeContent content, CancellationToken cancellationToken)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.AcceptRanges = "bytes";
        // No validator is given, so none can be the right one: If-Range means the whole.
        var isWhole = HttpMethods.IsHead(request.Method) || request.Headers.ContainsKey(HeaderNames.IfRange);
        var header = isWhole ? null : request.GetTypedHeaders().Range;
        if (ByteRange.Wanted(header, content.Length) is not { } range)
        {
            response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            response.Headers.ContentRange = $"bytes */{content.Length}";
            return;
        }
        if (HttpMethods.IsHead(request.Method))
        {
            response.ContentLength = content.Length;
            return;
        }
        using var slot = slots.TryTake();
        if (slot is null)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Too many transfers at once.");
            return;
        }
        Stream stream;
        try
        {
            stream = await content.OpenReadAsync(range.Offset, cancellationToken);
        }
        catch (IOException exception)
        {
            LogUnreadable(exception, volume);
            await HostAnswer.RefuseAsync(context, StatusCodes.Status500InternalServerError, "The content cannot be read.");
            return;
        }
        await using (stream)
        {
            if (range.Count < content.Length)
            {
                response.StatusCode = StatusCodes.Status206PartialContent;
                response.Headers.ContentRange = range.In(content.Length);
            }
            response.ContentType = "application/octet-stream";
            response.ContentLength = range.Count;
            await CopyAsync(context, volume, stream, range.Count, cancellationToken);
        }
    }

    private async Task CopyAsync(HttpContext context, Guid volume, Stream from, long count, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (var left = count; left > 0;)
            {
                var read = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken);
                if (read == 0)
                    throw new EndOfStreamException($"The content ends {left} bytes too early.");
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                left -= read;
            }
            ArrayPool<byte>.Shared.Return(buffer);
        }
        catch (IOException exception)
        {
            // The buffer is not given back: a read that hangs may still fill it.
            LogCut(exception, volume);
            context.Abort();
        }
    }

    [LoggerMessage(EventId = 3511, Level = LogLevel.Error, Message = "Volume {Volume} cannot be opened for a transfer.")]
    private partial void LogUnreadable(Exception exception, Guid volume);

    [LoggerMessage(EventId = 3512, Level = LogLevel.Warning, Message = "Volume {Volume}: a transfer to Sparkle was cut.")]
    private partial void LogCut(Exception exception, Guid volume);
}
