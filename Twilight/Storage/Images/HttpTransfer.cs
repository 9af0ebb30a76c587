namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Fetches one content in as many goes as it takes.</summary>
internal sealed class HttpTransfer(HttpSource http, Uri source, ContentSink sink, ImageFetchOptions options, TimeProvider time)
{
    // Large enough that the disk sees few writes. Not pooled: a write that hangs keeps it.
    private readonly byte[] _buffer = new byte[1 << 20];
    private EntityValidator? _validator;

    /// <summary>Goes on where the last go ended, to the end of the content.</summary>
    /// <exception cref="ImageException">It broke, and can be gone on with if it is <see cref="ImageFailure.Unreachable"/>.</exception>
    public async Task GoOnAsync(CancellationToken cancellationToken)
    {
        using var watch = new StallWatch(options, time, cancellationToken);
        try
        {
            watch.Begin();
            using var part = await http.OpenAsync(sink.Length, _validator, watch.Token);
            watch.End(0);
            await TakeAsync(part, watch, cancellationToken);
        }
        catch (CannotResumeException exception)
        {
            _validator = null;
            throw ImageException.Unreachable(exception.Message, exception);
        }
        catch (OperationCanceledException exception) when (watch.HasStalled && !cancellationToken.IsCancellationRequested)
        {
            throw ImageException.Unreachable(
                $"{source.Host} has sent less than {options.RateMin} bytes a second for {options.StallWindow.TotalSeconds} seconds.",
                exception);
        }
    }

    private async Task TakeAsync(HttpContentPart part, StallWatch watch, CancellationToken cancellationToken)
    {
        if (part.Offset == 0)
            await sink.BeginAgainAsync(cancellationToken);
        else if (part.Total != sink.Total)
            throw new CannotResumeException($"{part.Uri.Host} has another content than it began to send.");
        _validator = part.Validator;
        sink.Total = part.Total;
        try
        {
            await using var stream = await part.OpenAsync(watch.Token);
            while (await ReadAsync(stream, watch) is var count and > 0)
                await sink.AppendAsync(_buffer.AsMemory(0, count), cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw HttpSource.Broken(part.Uri, exception);
        }
        if (sink.Total is { } total && sink.Length != total)
            throw ImageException.Unreachable($"{part.Uri.Host} sent {sink.Length} of {total} bytes.");
    }

    private async Task<int> ReadAsync(Stream stream, StallWatch watch)
    {
        watch.Begin();
        var count = await stream.ReadAsync(_buffer, watch.Token);
        watch.End(count);
        // Whatever came in time: the server is given up.
        watch.Token.ThrowIfCancellationRequested();
        return count;
    }
}
