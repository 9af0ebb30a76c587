using System.Globalization;
using System.Net;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Contents;

/// <summary>
/// Fetches a content into FILE.part, which becomes FILE when it is whole, and is removed when it does not get there. After a
/// cut it goes on where it was if the server vouches with a tag for the content being the same, and begins again otherwise.
/// </summary>
internal sealed class ContentDownload(Session session, Location volume, string path)
{
    private const int BlockSize = 256 << 10;

    private readonly TransferProgress _progress = new(session, "download");
    private readonly string _part = path + ".part";
    private string? _tag;
    private bool _isWhole;

    /// <returns>How many bytes there are.</returns>
    /// <exception cref="PonyException">The file is there already or cannot be written, or the content did not get there.</exception>
    /// <exception cref="ProblemException">The server refuses it.</exception>
    public async Task<long> RunAsync(CancellationToken cancellation)
    {
        if (Path.Exists(path))
            throw PonyException.Usage($"{path} is there already.");
        var file = Create();
        try
        {
            long length;
            await using (file)
            {
                await FetchAllAsync(file, cancellation);
                length = file.Length;
                Write(() => file.Flush(flushToDisk: true));
            }
            Write(() => File.Move(_part, path));
            return length;
        }
        finally
        {
            File.Delete(_part);
        }
    }

    private async Task FetchAllAsync(FileStream file, CancellationToken cancellation)
    {
        var attempts = new Attempts(session);
        while (!_isWhole)
        {
            using var silence = new Silence(session.Terminal.Time, cancellation);
            try
            {
                await FetchAsync(file, silence);
            }
            catch (Exception failure) when (CutOf(failure, silence) is { } cut)
            {
                await attempts.AfterAsync(cut, file.Position, cancellation);
            }
        }
    }

    private static CutException? CutOf(Exception failure, Silence silence) => failure switch
    {
        CutException cut => cut,
        PonyException exception when CutException.MayPass(exception) => CutException.Of(exception),
        HttpIOException or HttpRequestException => new CutException(ExitCode.Unavailable, "The connection broke.", null, failure),
        OperationCanceledException when silence.IsTooLong => CutException.Silent(failure),
        _ => null,
    };

    private async Task FetchAsync(FileStream file, Silence silence)
    {
        silence.Allow(Silence.OfBlock);
        var request = ApiRequest.Get(volume.Path + "/content");
        if (_tag is not null && file.Position > 0)
        {
            var range = string.Create(CultureInfo.InvariantCulture, $"bytes={file.Position}-");
            request = request with { Headers = [("Range", range), ("If-Range", _tag)] };
        }
        using var answer = await session.ExchangeAsync(request, "application/octet-stream, application/problem+json", silence.Token);
        if (!answer.IsSuccessStatusCode)
            throw await CutException.OfAsync(answer, silence.Token);
        if (answer.StatusCode != HttpStatusCode.PartialContent)
            file.SetLength(0);
        else if (answer.Content.Headers.ContentRange?.From != file.Position)
            throw new PonyException(ExitCode.Internal, "The server sent another part than it was asked for.");
        _tag = answer.Headers.ETag is { IsWeak: false } tag ? tag.ToString() : null;
        var length = file.Position + (answer.Content.Headers.ContentLength
            ?? throw new PonyException(ExitCode.Internal, "The server does not say how much there is."));
        _progress.Begin(file.Position);
        await CopyAsync(answer, file, length, silence);
    }

    private async Task CopyAsync(HttpResponseMessage answer, FileStream file, long length, Silence silence)
    {
        var buffer = new byte[BlockSize];
        await using var from = await answer.Content.ReadAsStreamAsync(silence.Token);
        while (await ReadAsync(from, buffer, silence) is > 0 and var count)
        {
            Write(() => file.Write(buffer, 0, count));
            _progress.Show(file.Position, length);
        }
        if (file.Position != length)
            throw new CutException(ExitCode.Unavailable, "The connection broke.");
        _isWhole = true;
    }

    private static async ValueTask<int> ReadAsync(Stream from, byte[] buffer, Silence silence)
    {
        silence.Allow(Silence.OfBlock);
        try
        {
            return await from.ReadAsync(buffer, silence.Token);
        }
        catch (IOException exception)
        {
            throw new CutException(ExitCode.Unavailable, "The connection broke.", null, exception);
        }
    }

    // Neither what is there, nor what another download is writing.
    private FileStream Create()
    {
        try
        {
            return new FileStream(_part, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PonyException(ExitCode.Usage, $"{_part} cannot be made: {exception.Message}", exception);
        }
    }

    private void Write(Action act)
    {
        try
        {
            act();
        }
        catch (IOException exception)
        {
            throw new PonyException(ExitCode.Internal, $"{_part} cannot be written: {exception.Message}", exception);
        }
    }
}
