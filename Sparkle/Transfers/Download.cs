using System.Buffers;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>Answers GET and HEAD with the content of a volume.</summary>
internal sealed class Download(
    KeeperFinder keepers,
    ContentTags tags,
    TransferSlots slots,
    TransferWatch watch,
    TransferObstacles obstacles,
    TransferOptions options,
    TimeProvider time,
    ILogger<Download> logger)
{
    public const string MediaType = "application/octet-stream";

    private const int BufferSize = 256 << 10;

    /// <exception cref="ProblemException">There is nothing to be had, or it was cut.</exception>
    public async Task AnswerAsync(TransferCall call)
    {
        if (call.Volume.Content != VolumeContent.Made)
        {
            throw new ProblemException(
                ProblemKind.ContentNotReady, $"The content of the volume is {(call.Volume.Content == VolumeContent.Upload ? "being sent" : "still to be made")}.");
        }
        var keeper = keepers.Find(call.Snapshot, call.Volume.Uuid);
        var tag = tags.Find(call.Snapshot, call.Volume);
        using var slot = HttpMethods.IsHead(call.Context.Request.Method) ? null : slots.Take(call.Tenant);
        await watch.RunAsync(
            cancellationToken => SendAsync(call, keeper, tag, cancellationToken),
            async snapshot => await obstacles.FindAsync(call, keeper, snapshot)
                ?? (tag is not null && call.Resource.TryFind(snapshot, out var row) && tags.Find(snapshot, (VolumeDesired)row!.Desired!) != tag
                    ? new Problem(ProblemKind.ContentWithdrawn, "The content may change from now on.")
                    : null),
            call.Context.RequestAborted);
    }

    private async Task SendAsync(TransferCall call, Keeper keeper, string? tag, CancellationToken cancellationToken)
    {
        var (request, response) = (call.Context.Request, call.Context.Response);
        var isHead = HttpMethods.IsHead(request.Method);
        var range = isHead ? null : WantedRange(request, tag);
        using var client = new KeeperClient(keeper, options, time, logger, cancellationToken);
        using var answer = await client.SendAsync(
            isHead ? HttpMethod.Head : HttpMethod.Get, call.Volume.Uuid, call.Volume.Generation, options.IdleLimit,
            asked => asked.Headers.TryAddWithoutValidation(HeaderNames.Range, range));
        var headers = answer.Content.Headers;
        if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            response.Headers.ContentRange = headers.ContentRange?.ToString();
            throw new ProblemException(ProblemKind.RangeNotSatisfiable, "The content ends before the range begins.");
        }
        if (answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent) || headers.ContentLength is not { } length)
            throw client.Translate(answer);
        response.StatusCode = (int)answer.StatusCode;
        response.ContentType = MediaType;
        response.ContentLength = length;
        response.Headers.AcceptRanges = "bytes";
        response.Headers.ETag = tag;
        response.Headers.ContentRange = headers.ContentRange?.ToString();
        if (isHead)
            return;
        // From here on only a cut tells that it is not whole.
        await response.StartAsync(cancellationToken);
        await CopyAsync(client, answer, response, length, cancellationToken);
    }

    private async Task CopyAsync(
        KeeperClient client, HttpResponseMessage answer, HttpResponse response, long length, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await using var from = await answer.Content.ReadAsStreamAsync(cancellationToken);
            for (var left = length; left > 0;)
            {
                var count = await ReadAsync(client, from, buffer.AsMemory(0, (int)Math.Min(left, BufferSize)));
                await response.Body.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                left -= count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<int> ReadAsync(KeeperClient client, Stream from, Memory<byte> buffer)
    {
        try
        {
            client.Patience.Begin(options.IdleLimit);
            var count = await from.ReadAsync(buffer, client.Patience.Token);
            client.Patience.Rest();
            return count > 0 ? count : throw new EndOfStreamException();
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            if (client.Translate(exception) is { } problem)
                throw problem;
            throw;
        }
    }

    /// <summary>The one range that is wanted; null for the whole.</summary>
    private static string? WantedRange(HttpRequest request, string? tag)
    {
        if (request.Headers.IfRange.Count > 0 && (tag is null || request.Headers.IfRange != tag))
            return null;
        if (request.GetTypedHeaders().Range is not { Ranges.Count: 1 } header || header.Unit != "bytes")
            return null;
        var range = header.Ranges.Single();
        return string.Create(CultureInfo.InvariantCulture, $"bytes={range.From}-{range.To}");
    }
}
