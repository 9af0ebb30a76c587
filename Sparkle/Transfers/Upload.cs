using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>Answers PUT: the states of an upload are drawn in README.md.</summary>
internal sealed class Upload(
    KeeperFinder keepers,
    UploadOrder order,
    TransferSlots slots,
    TransferWatch watch,
    TransferObstacles obstacles,
    TransferOptions options,
    TimeProvider time,
    ILogger<Upload> logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <exception cref="ProblemException">It is not taken, or it was cut.</exception>
    public async Task AnswerAsync(TransferCall call)
    {
        var request = UploadRequest.Read(call.Context.Request);
        if (request.Total > call.Length)
            throw new ProblemException(ProblemKind.TooLarge, $"The volume has {call.Length} bytes; {request.Total} do not fit.");
        if (request is { IsLast: true, IsWhole: false, Digest: null })
        {
            throw new ProblemException(
                ProblemKind.MalformedRequest, $"{KeeperClient.DigestHeader} is needed with the part that completes an upload.");
        }
        call.Context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        using var slot = request.Count == 0 ? null : slots.Take(call.Tenant);
        var keeper = keepers.Find(call.Snapshot, call.Volume.Uuid);
        if (request.IsNew || (call.Volume.Content != VolumeContent.Upload && request.From == 0))
        {
            call = await order.GiveAsync(call);
        }
        else if (call.Volume.Content == VolumeContent.Pending)
        {
            if (request.From is not null)
                throw WrongOffset(call, 0, "No upload was begun.");
            TellIncomplete(call, 0);
            return;
        }
        await watch.RunAsync(
            cancellationToken => TakeAsync(call, request, keeper, cancellationToken),
            snapshot => obstacles.FindAsync(call, keeper, snapshot),
            call.Context.RequestAborted);
    }

    private async Task TakeAsync(TransferCall call, UploadRequest request, Keeper keeper, CancellationToken cancellationToken)
    {
        using var client = new KeeperClient(keeper, options, time, logger, cancellationToken);
        var offset = await FindOffsetAsync(call, client, cancellationToken);
        if (offset is null && (request.From is not null || request.Digest is null))
            throw new ProblemException(ProblemKind.WrongOffset, "The volume has its content. Without Content-Range another is begun.");
        if (offset is { } there && request.From is { } from && from != there)
            throw WrongOffset(call, there, $"The upload goes on at {there}.");
        if (request.Count > 0)
            await SendAsync(call, request, client);
        else if (offset is null || (offset == request.Total && (request.Digest is not null || request.IsNew)))
            await CompleteAsync(call, request.Total, request.Digest ?? UploadRequest.DigestOf(SHA256.HashData([])), client);
        else
            TellIncomplete(call, offset.Value);
    }

    /// <summary>How much the host has; null when it has all. A host that has not heard of the order yet is waited for.</summary>
    private async Task<long?> FindOffsetAsync(TransferCall call, KeeperClient client, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            using (var answer = await client.SendAsync(HttpMethod.Head, call.Volume.Uuid, call.Volume.Generation, options.IdleLimit))
            {
                if (answer.StatusCode == HttpStatusCode.OK)
                    return null;
                if (answer.StatusCode == HttpStatusCode.NoContent && OffsetIn(answer) is { } offset)
                    return offset;
                var isUnheard = answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.PreconditionFailed;
                if (!isUnheard || time.GetElapsedTime(begun) >= options.OrderLimit)
                    throw client.Translate(answer);
            }
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    private async Task SendAsync(TransferCall call, UploadRequest request, KeeperClient client)
    {
        // Who sends all of it at once need not know its checksum beforehand.
        using var hash = request is { IsWhole: true, Digest: null } ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        using var stop = new CancellationTokenSource();
        using var body = new UploadBody(call.Context.Request.BodyReader, request.Count, hash, client.Patience, options, stop.Token);
        HttpResponseMessage answer;
        try
        {
            answer = await client.SendAsync(HttpMethod.Put, call.Volume.Uuid, call.Volume.Generation, options.FlushLimit, asked =>
            {
                asked.Content = body;
                // What the host refuses is refused before the body is on its way.
                asked.Headers.ExpectContinue = true;
                asked.Content.Headers.TryAddWithoutValidation("Content-Range", request.ContentRange);
                if (request.Digest is not null)
                    asked.Headers.TryAddWithoutValidation(KeeperClient.DigestHeader, request.Digest);
            });
        }
        catch (ProblemException) when (body.ClientFailure is not null)
        {
            throw body.ClientFailure is BadHttpRequestException bad
                ? bad
                : new ProblemException(ProblemKind.MalformedRequest, "The body ended too early.");
        }
        finally
        {
            await stop.CancelAsync();
            await body.Ended;
        }
        using (answer)
        {
            if (hash is not null && answer.StatusCode == HttpStatusCode.NoContent && OffsetIn(answer) == request.Total)
                await CompleteAsync(call, request.Total, UploadRequest.DigestOf(hash.GetCurrentHash()), client);
            else
                Tell(call, answer, client);
        }
    }

    private async Task CompleteAsync(TransferCall call, long total, string digest, KeeperClient client)
    {
        using var answer = await client.SendAsync(HttpMethod.Put, call.Volume.Uuid, call.Volume.Generation, options.FlushLimit, asked =>
        {
            asked.Content = new ByteArrayContent([]);
            asked.Content.Headers.TryAddWithoutValidation("Content-Range", UploadRequest.EndOf(total));
            asked.Headers.TryAddWithoutValidation(KeeperClient.DigestHeader, digest);
        });
        Tell(call, answer, client);
    }

    /// <summary>Tells the client what the host said.</summary>
    private static void Tell(TransferCall call, HttpResponseMessage answer, KeeperClient client)
    {
        var offset = OffsetIn(answer);
        switch (answer.StatusCode)
        {
            case HttpStatusCode.Created:
                call.Context.Response.StatusCode = StatusCodes.Status201Created;
                break;
            case HttpStatusCode.NoContent when offset is { } there:
                TellIncomplete(call, there);
                break;
            case HttpStatusCode.Conflict:
                throw offset is { } other
                    ? WrongOffset(call, other, $"The upload goes on at {other}.")
                    : new ProblemException(ProblemKind.WrongOffset, "The volume has its content, and it is another one.");
            case HttpStatusCode.UnprocessableEntity:
                SetOffset(call, 0);
                throw new ProblemException(ProblemKind.WrongDigest, "What came in has another checksum. It is to be sent again from its beginning.");
            case HttpStatusCode.RequestEntityTooLarge:
                throw new ProblemException(
                    new Problem(ProblemKind.Unavailable, "The volume has not grown to its size yet.") { RetryAfter = client.RetryAfter });
            case HttpStatusCode.BadRequest:
                throw new ProblemException(ProblemKind.MalformedRequest, "The upload was begun with another length in all.");
            default:
                throw client.Translate(answer);
        }
    }

    private static void TellIncomplete(TransferCall call, long offset)
    {
        SetOffset(call, offset);
        if (offset > 0)
            call.Context.Response.Headers.Range = string.Create(CultureInfo.InvariantCulture, $"bytes=0-{offset - 1}");
        call.Context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
    }

    private static ProblemException WrongOffset(TransferCall call, long offset, string why)
    {
        SetOffset(call, offset);
        return new ProblemException(ProblemKind.WrongOffset, why);
    }

    private static void SetOffset(TransferCall call, long offset) =>
        call.Context.Response.Headers[KeeperClient.OffsetHeader] = offset.ToString(CultureInfo.InvariantCulture);

    private static long? OffsetIn(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues(KeeperClient.OffsetHeader, out var values)
        && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? offset
            : null;
}
