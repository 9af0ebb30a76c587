using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Http;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>Answers what is asked about the contents of volumes; README.md says how.</summary>
public sealed partial class VolumeRoute : IHostRoute, IDisposable
{
    private readonly IVolumeContents _contents;
    private readonly ILogger _logger;
    private readonly TransferSlots _slots;
    private readonly DownloadHandler _download;
    private readonly UploadHandler _upload;

    public VolumeRoute(TransferOptions options, IVolumeContents contents, TimeProvider time, ILoggerFactory loggers)
    {
        _contents = contents;
        _logger = loggers.CreateLogger<VolumeRoute>();
        _slots = new TransferSlots(options.TransfersMax);
        _download = new DownloadHandler(_slots, _logger);
        _upload = new UploadHandler(new UploadBook(), _slots, options, time, _logger);
    }

    public string Name => "volume";

    public async Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping)
    {
        var isUpload = HttpMethods.IsPut(context.Request.Method);
        if (!Guid.TryParseExact(rest, "D", out var volume))
            context.Response.StatusCode = StatusCodes.Status404NotFound;
        else if (!isUpload && !HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            await NotAllowedAsync(context);
        else if (!TryGeneration(context.Request.Query["generation"], out var generation) || (isUpload && generation is null))
            await HostAnswer.RefuseAsync(context, StatusCodes.Status400BadRequest, "generation must be a number.");
        else
            await AnswerAsync(context, volume, generation, isUpload, stopping);
    }

    public void Dispose() => _slots.Dispose();

    private async Task AnswerAsync(HttpContext context, Guid volume, long? generation, bool isUpload, CancellationToken stopping)
    {
        var content = await _contents.FindAsync(volume, context.RequestAborted);
        if (content is null || (!isUpload && content.State == ContentState.Awaited && !HttpMethods.IsHead(context.Request.Method)))
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status404NotFound, "There is no content of this volume.");
            return;
        }
        if (generation is not null && generation != content.Generation)
        {
            await HostAnswer.RefuseAsync(
                context, StatusCodes.Status412PreconditionFailed, $"The content is of generation {content.Generation}.");
            return;
        }
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(content.Withdrawn, stopping);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(gone.Token, context.RequestAborted);
        try
        {
            if (isUpload)
                await _upload.AnswerAsync(context, volume, content, cut.Token, gone.Token);
            else if (content.State == ContentState.Awaited)
                _upload.TellOffset(context, volume, content);
            else
                await _download.AnswerAsync(context, volume, content, cut.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            await EndAsync(context, volume, content, exception);
        }
    }

    /// <summary>What was cut off is told to a peer that is still there, if it can be.</summary>
    private async Task EndAsync(HttpContext context, Guid volume, IVolumeContent content, Exception exception)
    {
        LogCut(exception, volume, exception.Message);
        if (content.Withdrawn.IsCancellationRequested && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
            await HostAnswer.RefuseAsync(context, StatusCodes.Status410Gone, "The content is no longer wanted.");
        else
            context.Abort();
    }

    private static Task NotAllowedAsync(HttpContext context)
    {
        context.Response.Headers.Allow = "GET, HEAD, PUT";
        return HostAnswer.RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "GET, HEAD and PUT are all.");
    }

    private static bool TryGeneration(string? text, out long? generation)
    {
        generation = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        return text is null || generation is not null;
    }

    [LoggerMessage(EventId = 3503, Level = LogLevel.Information, Message = "Volume {Volume}: a transfer was cut off: {Why}")]
    private partial void LogCut(Exception exception, Guid volume, string why);
}
