using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Contents;

/// <summary>
/// Sends a file as the content of a volume.
/// <code>
///   look at the row ─┬─ content is upload, or ours ──► ask how much there is ──► send the rest, with the checksum ──► 201
///         ▲          └─ else ──► send the whole: a new content ──► 201                       │
///         └────────────── cut, or wrong checksum (once: then as a new content) ◄─────────────┘
/// </code>
/// The row counts its contents, so that after a cut it is known whether the order for this one stands.
/// </summary>
internal sealed class ContentUpload(Session session, Location volume, string path)
{
    private const string WrongDigest = "urn:ponycloud:problem:wrong-digest";

    private readonly TransferProgress _progress = new(session, "upload");
    private readonly Attempts _attempts = new(session);

    // The generation that the content has when it is ordered; null before the first look.
    private long? _generation;
    private bool _isAnew;
    private long _reached;
    private string? _digest;

    /// <returns>How many bytes were sent.</returns>
    /// <exception cref="PonyException">The file cannot be read, or it did not get there.</exception>
    /// <exception cref="ProblemException">The server refuses it.</exception>
    public async Task<long> RunAsync(CancellationToken cancellation)
    {
        using var file = Open();
        var total = RandomAccess.GetLength(file);
        while (true)
        {
            try
            {
                await AttemptAsync(file, total, cancellation);
                return total;
            }
            catch (CutException cut)
            {
                await _attempts.AfterAsync(cut, _reached, cancellation);
            }
            catch (ProblemException refusal) when (IsOfAnother(refusal.Problem) && !_isAnew)
            {
                session.Note("What the server has of an upload is not of this file. Sending all of it.");
                (_isAnew, _generation, _reached) = (true, null, 0);
            }
        }
    }

    // A wrong checksum, or an earlier upload that was to have another length.
    private static bool IsOfAnother(Problem problem) => problem.Type == WrongDigest || problem.Status == 400;

    private async Task AttemptAsync(SafeFileHandle file, long total, CancellationToken cancellation)
    {
        var (generation, highest, isBegun) = await LookAsync(cancellation);
        _generation ??= isBegun && !_isAnew ? generation : highest + 1;
        if (generation < _generation)
            await SendAsync(file, null, total, cancellation);
        else if (generation == _generation)
            await GoOnAsync(file, total, cancellation);
        else
            throw new PonyException(ExitCode.Conflict, "Somebody else has ordered another content for the volume meanwhile.");
    }

    // The highest generation is one that the volume has, or that a copy of it on another host was given.
    private async Task<(long Generation, long Highest, bool IsBegun)> LookAsync(CancellationToken cancellation)
    {
        try
        {
            var desired = (await session.GetAsync(volume, cancellation)).Json["desired"];
            var generation = NumberOf(desired, "generation") ?? 1;
            return (generation, Math.Max(generation, NumberOf(desired, "generations") ?? 1), (string?)desired?["content"] == "upload");
        }
        catch (PonyException exception) when (_generation is not null && CutException.MayPass(exception))
        {
            throw CutException.Of(exception);
        }
    }

    private static long? NumberOf(JsonNode? row, string name) => (row?[name] as JsonValue)?.GetValue<long>();

    private async Task GoOnAsync(SafeFileHandle file, long total, CancellationToken cancellation)
    {
        _digest ??= await DigestAsync(file, total, cancellation);
        using var silence = new Silence(session.Terminal.Time, cancellation);
        using var answer = await ExchangeAsync(new ByteArrayContent([]), $"bytes */{total}", silence, cancellation);
        if (answer.StatusCode == HttpStatusCode.Created)
            return;
        if (answer.StatusCode != HttpStatusCode.PermanentRedirect || CutException.OffsetIn(answer) is not { } offset)
            throw await CutException.OfAsync(answer, silence.Token);
        _reached = offset;
        if (offset < total)
            await SendAsync(file, offset, total, cancellation);
        else if (offset == total)
            throw new CutException(ExitCode.Unavailable, "The server has all of it, and does not take it as whole.");
        else
            throw new ProblemException(new Problem(400, null, "The upload was begun with another length in all", null, [], null));
    }

    /// <param name="from">Where it goes on; null for a new content.</param>
    private async Task SendAsync(SafeFileHandle file, long? from, long total, CancellationToken cancellation)
    {
        using var silence = new Silence(session.Terminal.Time, cancellation);
        _progress.Begin(from ?? 0);
        using var body = new FileBody(file, from ?? 0, total, silence, done => _progress.Show(done, total));
        try
        {
            var range = from is null ? null : string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{total - 1}/{total}");
            using var answer = await ExchangeAsync(body, range, silence, cancellation);
            if (answer.StatusCode == HttpStatusCode.Created)
                return;
            throw answer.StatusCode == HttpStatusCode.PermanentRedirect
                ? new CutException(ExitCode.Unavailable, "The server does not have all of it yet.")
                : await CutException.OfAsync(answer, silence.Token);
        }
        catch (CutException) when (body.Failure is not null)
        {
            throw body.Failure;
        }
    }

    private async Task<HttpResponseMessage> ExchangeAsync(HttpContent body, string? range, Silence silence, CancellationToken cancellation)
    {
        body.Headers.TryAddWithoutValidation("Content-Type", "application/octet-stream");
        if (range is not null)
            body.Headers.TryAddWithoutValidation("Content-Range", range);
        var request = new ApiRequest(HttpMethod.Put, volume.Path + "/content")
        {
            Stream = body,
            Headers = range is null ? [] : [("Repr-Digest", _digest!)],
        };
        try
        {
            return await session.ExchangeAsync(request, "application/problem+json", silence.Token);
        }
        catch (PonyException exception) when (CutException.MayPass(exception))
        {
            throw CutException.Of(exception);
        }
        catch (OperationCanceledException exception) when (silence.IsTooLong)
        {
            throw CutException.Silent(exception);
        }
    }

    private async Task<string> DigestAsync(SafeFileHandle file, long total, CancellationToken cancellation)
    {
        var reading = new TransferProgress(session, "checksum");
        reading.Begin(0);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[FileBody.BlockSize];
        for (var at = 0L; at < total;)
        {
            var count = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, (int)Math.Min(buffer.Length, total - at)), at, cancellation);
            if (count == 0)
                throw new PonyException(ExitCode.Internal, $"{path} has become shorter.");
            hash.AppendData(buffer.AsSpan(0, count));
            at += count;
            reading.Show(at, total);
        }
        return $"sha-256=:{Convert.ToBase64String(hash.GetHashAndReset())}:";
    }

    private SafeFileHandle Open()
    {
        try
        {
            return File.OpenHandle(path, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PonyException(ExitCode.Usage, $"{path} cannot be read: {exception.Message}", exception);
        }
    }
}
