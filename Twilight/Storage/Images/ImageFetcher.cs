using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Fetches images over HTTP, and for operators from files of this host; README.md says under which rules.</summary>
/// <remarks>Keeps nothing between fetches; any number of them may run at once.</remarks>
public sealed partial class ImageFetcher : IImageFetcher
{
    private readonly ImageFetchOptions _options;
    private readonly AddressPolicy _policy;
    private readonly IImageNetwork _network;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public ImageFetcher(
        ImageFetchOptions options, AddressPolicy policy, IImageNetwork network, TimeProvider time, ILogger<ImageFetcher> logger)
    {
        _options = options;
        _policy = policy;
        _network = network;
        _time = time;
        _logger = logger;
    }

    public async Task<FetchedImage> FetchAsync(
        ImageDesired image, string partial, IProgress<FetchProgress>? progress, CancellationToken cancellationToken)
    {
        var source = SourceUri.Parse(image.SourceUri);
        if (source.IsFile && image.Tenant is not null)
            throw ImageException.Refused("Only images of no tenant come from files of the hosts.");
        using var checksum = new ContentChecksum(image.Checksum);
        await using var file = await PartialFile.CreateAsync(partial, cancellationToken);
        var meter = new ProgressMeter(progress, _options.ProgressInterval, _time);
        var sink = new ContentSink(file, checksum, meter, _options.BytesMax);
        var shown = SourceUri.WithoutQuery(source);
        LogBegun(image.Uuid, shown);
        try
        {
            if (source.IsFile)
                await FileSource.CopyAsync(source.LocalPath, sink, cancellationToken);
            else
                await FetchFromServerAsync(image, source, sink, cancellationToken);
            var sum = checksum.Verify();
            await file.FinishAsync(cancellationToken);
            sink.Tell();
            LogDone(image.Uuid, file.Length, sum);
            return new FetchedImage(file.Length, sum);
        }
        catch (ImageException exception)
        {
            LogFailed(exception, image.Uuid, exception.Failure, exception.Message);
            throw;
        }
    }

    private async Task FetchFromServerAsync(ImageDesired image, Uri source, ContentSink sink, CancellationToken cancellationToken)
    {
        // What the operator wrote himself is trusted, whatever address it has; where others redirect to is not.
        var connector = new CheckedConnector(_network, _policy, IsTrusted, _options.ConnectLimit, _time, _logger);
        using var http = new HttpSource(source, connector, _options);
        var transfer = new HttpTransfer(http, source, sink, _options, _time);
        var failures = 0;
        var sound = 0L;
        while (true)
        {
            try
            {
                await transfer.GoOnAsync(cancellationToken);
                return;
            }
            catch (ImageException exception) when (exception.Failure == ImageFailure.Unreachable)
            {
                if (sink.Length >= sound + _options.SoundAfter)
                    (failures, sound) = (0, sink.Length);
                if (failures++ == _options.RetriesMax)
                    throw;
                LogBroken(exception, image.Uuid, sink.Length, failures, exception.Message);
            }
            await Task.Delay(_options.Backoff.DelayAfter(failures), _time, cancellationToken);
        }

        bool IsTrusted(string name) => image.Tenant is null && name == source.IdnHost;
    }

    [LoggerMessage(EventId = 3411, Level = LogLevel.Information, Message = "Image {Image}: begin to fetch {Source}")]
    private partial void LogBegun(Guid image, string source);

    [LoggerMessage(EventId = 3412, Level = LogLevel.Information, Message = "Image {Image}: fetched, {Bytes} bytes, {Checksum}")]
    private partial void LogDone(Guid image, long bytes, string checksum);

    [LoggerMessage(EventId = 3413, Level = LogLevel.Warning, Message = "Image {Image}: not fetched ({Failure}): {Why}")]
    private partial void LogFailed(Exception exception, Guid image, ImageFailure failure, string why);

    [LoggerMessage(EventId = 3414, Level = LogLevel.Warning, Message = "Image {Image}: broken at {Bytes} ({Failures} in a row): {Why}")]
    private partial void LogBroken(Exception exception, Guid image, long bytes, int failures, string why);
}
