using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using PonyCloud.Twilight.Http;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>Answers PUT for a content that is awaited, and HEAD with how much of it there is.</summary>
internal sealed partial class UploadHandler(
    UploadBook book, TransferSlots slots, TransferOptions options, TimeProvider time, ILogger logger)
{
    public const string OffsetHeader = "Upload-Offset";
    public const string DigestHeader = "Repr-Digest";

    /// <summary>How much there is of a content that is awaited.</summary>
    public void TellOffset(HttpContext context, Guid volume, IVolumeContent content)
    {
        SetOffset(context, book.Find(volume, content.Generation)?.Offset ?? 0);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <param name="cut">The peer went, or all that <paramref name="gone"/> is.</param>
    /// <param name="gone">The content is withdrawn, or the server ends.</param>
    /// <exception cref="OperationCanceledException">That, or a newer request took over.</exception>
    public async Task AnswerAsync(HttpContext context, Guid volume, IVolumeContent content, CancellationToken cut, CancellationToken gone)
    {
        if (context.Request.GetTypedHeaders().ContentRange is not { Length: { } total } range || range.Unit != "bytes"
            || (range.HasRange && context.Request.ContentLength != range.To - range.From + 1))
        {
            await HostAnswer.RefuseAsync(
                context, StatusCodes.Status400BadRequest, "Content-Range is needed: bytes A-B/T, and so many bytes.");
            return;
        }
        if (total > content.Length)
        {
            await HostAnswer.RefuseAsync(
                context, StatusCodes.Status413PayloadTooLarge, $"The volume has {content.Length} bytes; {total} do not fit.");
            return;
        }
        var upload = book.Open(volume, content.Generation);
        using var turn = await upload.TakeTurnAsync(cut);
        if (upload.Finished is not null || content.State == ContentState.Whole)
        {
            await RepeatAsync(context, upload);
            return;
        }
        if ((upload.Total ??= total) != total)
        {
            await HostAnswer.RefuseAsync(
                context, StatusCodes.Status400BadRequest, $"The upload was begun with {upload.Total} bytes in all.");
            return;
        }
        SetOffset(context, upload.Offset);
        if (range.HasRange && range.From != upload.Offset)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status409Conflict, "Go on at the offset.");
            return;
        }
        // Not before the turn: an older request of the same upload must not keep the newer one out.
        using var slot = slots.TryTake();
        if (slot is null)
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Too many transfers at once.");
        else
            await TakeAsync(context, volume, content, upload, range, turn.Token, gone);
    }

    private async Task TakeAsync(
        HttpContext context,
        Guid volume,
        IVolumeContent content,
        Upload upload,
        ContentRangeHeaderValue range,
        CancellationToken cut,
        CancellationToken gone)
    {
        try
        {
            await EraseAsync(content, upload, gone);
            if (range.HasRange)
                await new UploadPart(content, upload, options, time).ReceiveAsync(context.Request.Body, cut, gone);
            SetOffset(context, upload.Offset);
            if (upload.Offset == upload.Total && ReprDigest.Parse(context.Request.Headers[DigestHeader]) is { } expected)
                await FinishAsync(context, volume, content, upload, expected, gone);
            else
                await AcceptAsync(context, upload, range);
        }
        catch (ContentBrokenException exception)
        {
            LogBroken(exception.InnerException!, volume);
            SetOffset(context, upload.Offset);
            await HostAnswer.RefuseAsync(context, StatusCodes.Status500InternalServerError, "The content cannot be written.");
        }
    }

    /// <summary>What an upload that did not count has left is no part of this one.</summary>
    private static async Task EraseAsync(IVolumeContent content, Upload upload, CancellationToken cancellationToken)
    {
        if (upload.Offset > 0 || upload.Dirty == 0)
            return;
        try
        {
            await content.EraseAsync(upload.Dirty, cancellationToken);
        }
        catch (IOException exception)
        {
            throw new ContentBrokenException(exception);
        }
        upload.Erased();
    }

    private static Task AcceptAsync(HttpContext context, Upload upload, ContentRangeHeaderValue range)
    {
        if (!range.HasRange && upload.Offset == upload.Total)
            return HostAnswer.RefuseAsync(context, StatusCodes.Status400BadRequest, $"{DigestHeader} with sha-256 is needed.");
        context.Response.StatusCode = range.HasRange ? StatusCodes.Status204NoContent : StatusCodes.Status409Conflict;
        return Task.CompletedTask;
    }

    private async Task FinishAsync(
        HttpContext context, Guid volume, IVolumeContent content, Upload upload, byte[] expected, CancellationToken cancellationToken)
    {
        var sum = upload.Sum();
        if (!sum.AsSpan().SequenceEqual(expected))
        {
            upload.BeginAgain();
            SetOffset(context, 0);
            context.Response.Headers[DigestHeader] = ReprDigest.Format(sum);
            LogMismatch(volume);
            await HostAnswer.RefuseAsync(context, StatusCodes.Status422UnprocessableEntity, "The content has another checksum.");
            return;
        }
        try
        {
            await content.FinishAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            throw new ContentBrokenException(exception);
        }
        upload.Finished = sum;
        LogFinished(volume, content.Generation, upload.Offset);
        context.Response.StatusCode = StatusCodes.Status201Created;
    }

    /// <summary>Whoever asks again for what is done is told so.</summary>
    private static Task RepeatAsync(HttpContext context, Upload upload)
    {
        if (upload.Finished is not { } sum || ReprDigest.Parse(context.Request.Headers[DigestHeader])?.SequenceEqual(sum) != true)
            return HostAnswer.RefuseAsync(context, StatusCodes.Status409Conflict, "The volume has its content.");
        SetOffset(context, upload.Offset);
        context.Response.StatusCode = StatusCodes.Status201Created;
        return Task.CompletedTask;
    }

    private static void SetOffset(HttpContext context, long offset) =>
        context.Response.Headers[OffsetHeader] = offset.ToString(CultureInfo.InvariantCulture);

    [LoggerMessage(EventId = 3521, Level = LogLevel.Information, Message = "Volume {Volume}: content {Generation} is whole: {Bytes} B")]
    private partial void LogFinished(Guid volume, long generation, long bytes);

    [LoggerMessage(EventId = 3522, Level = LogLevel.Warning, Message = "Volume {Volume}: what was uploaded has another checksum.")]
    private partial void LogMismatch(Guid volume);

    [LoggerMessage(EventId = 3523, Level = LogLevel.Error, Message = "Volume {Volume}: what is uploaded cannot be written.")]
    private partial void LogBroken(Exception exception, Guid volume);
}
