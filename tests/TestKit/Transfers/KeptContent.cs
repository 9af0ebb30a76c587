using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace PonyCloud.TestKit.Transfers;

/// <summary>One content of one volume on a <see cref="FakeKeeper"/>.</summary>
/// <param name="bytes">As many as the volume has.</param>
public sealed class KeptContent(int generation, byte[] bytes)
{
    public int Generation => generation;

    public byte[] Bytes => bytes;

    /// <summary>How much there is.</summary>
    public int Offset { get; set; }

    /// <summary>The checksum with which it was made whole; null before that.</summary>
    public byte[]? Finished { get; set; }

    public async Task GiveAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        if (Finished is null)
        {
            response.Headers["Upload-Offset"] = $"{Offset}";
            response.StatusCode = HttpMethods.IsHead(request.Method) ? StatusCodes.Status204NoContent : StatusCodes.Status404NotFound;
            return;
        }
        var (from, to) = (0, bytes.Length - 1);
        if (request.GetTypedHeaders().Range?.Ranges.Single() is { } range)
        {
            from = (int)(range.From ?? bytes.Length - range.To!.Value);
            to = range.From is null ? to : (int)Math.Min(range.To ?? to, to);
            if (from > to)
            {
                response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
                response.Headers.ContentRange = $"bytes */{bytes.Length}";
                return;
            }
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = $"bytes {from}-{to}/{bytes.Length}";
        }
        response.ContentLength = to - from + 1;
        if (HttpMethods.IsGet(request.Method))
            await response.Body.WriteAsync(bytes.AsMemory(from, to - from + 1), context.RequestAborted);
    }

    public async Task TakeAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var range = request.GetTypedHeaders().ContentRange!;
        var total = (int)range.Length!.Value;
        var digest = request.Headers["Repr-Digest"].ToString();
        if (Finished is not null)
        {
            response.StatusCode = digest == DigestOf(Finished) ? StatusCodes.Status201Created : StatusCodes.Status409Conflict;
            return;
        }
        if (range.HasRange && range.From != Offset)
        {
            End(StatusCodes.Status409Conflict);
            return;
        }
        while (range.HasRange)
        {
            var count = await request.Body.ReadAsync(bytes.AsMemory(Offset, total - Offset), context.RequestAborted);
            if (count == 0)
                break;
            Offset += count;
        }
        var sum = SHA256.HashData(bytes.AsSpan(0, Offset));
        if (Offset < total || digest.Length == 0)
        {
            End(range.HasRange ? StatusCodes.Status204NoContent : StatusCodes.Status409Conflict);
        }
        else if (digest == DigestOf(sum))
        {
            Finished = sum;
            End(StatusCodes.Status201Created);
        }
        else
        {
            Offset = 0;
            End(StatusCodes.Status422UnprocessableEntity);
        }

        void End(int status)
        {
            response.Headers["Upload-Offset"] = $"{Offset}";
            response.StatusCode = status;
        }
    }

    public static string DigestOf(byte[] sum) => $"sha-256=:{Convert.ToBase64String(sum)}:";
}
