using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace PonyCloud.Twilight.Tests.Storage.Images;

/// <summary>A content that a server knows to send from any byte on, and that is cut off where the test says.</summary>
internal sealed class CuttableContent(byte[] bytes)
{
    private int _answers;

    public byte[] Bytes { get; set; } = bytes;

    /// <summary>Null sends none.</summary>
    public string? ETag { get; set; } = "\"one\"";

    public DateTimeOffset? LastModified { get; set; }

    public bool KnowsRanges { get; set; } = true;

    /// <summary>How much an answer, counted from 0, sends before the connection is cut; null lets it be whole.</summary>
    public Func<int, int?> Cut { get; set; } = _ => null;

    public async Task AnswerAsync(HttpContext context)
    {
        var cut = Cut(_answers++);
        var (request, response) = (context.Request.GetTypedHeaders(), context.Response);
        var offset = 0;
        if (ETag is not null)
            response.Headers.ETag = ETag;
        response.GetTypedHeaders().LastModified = LastModified;
        if (KnowsRanges && request.Range is { } range && IsSame(request.IfRange))
        {
            offset = (int)range.Ranges.Single().From!.Value;
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = FormattableString.Invariant($"bytes {offset}-{Bytes.Length - 1}/{Bytes.Length}");
        }
        response.ContentLength = Bytes.Length - offset;
        var count = Math.Min(cut ?? int.MaxValue, Bytes.Length - offset);
        await response.Body.WriteAsync(Bytes.AsMemory(offset, count), context.RequestAborted);
        await response.Body.FlushAsync(context.RequestAborted);
        if (count < Bytes.Length - offset)
            context.Abort();
    }

    private bool IsSame(RangeConditionHeaderValue? condition) =>
        condition is null
        || (condition.EntityTag is { } tag && tag.ToString() == ETag)
        || (condition.LastModified is { } modified && modified == LastModified);
}
