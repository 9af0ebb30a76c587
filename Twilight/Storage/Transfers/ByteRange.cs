using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>Bytes of a content: from the first, so many.</summary>
internal readonly record struct ByteRange(long Offset, long Count)
{
    /// <summary>Which bytes a request wants (RFC 9110, 14.2).</summary>
    /// <param name="header">The Range header; anything but one range of bytes counts as none.</param>
    /// <returns>Null when there is none of them.</returns>
    public static ByteRange? Wanted(RangeHeaderValue? header, long length)
    {
        if (header is null || header.Unit != "bytes" || header.Ranges is not { Count: 1 })
            return new ByteRange(0, length);
        var range = header.Ranges.Single();
        if (range.From is { } from)
            return from < length ? new ByteRange(from, Math.Min(range.To ?? long.MaxValue, length - 1) - from + 1) : null;
        var last = Math.Min(range.To ?? 0, length);
        return last > 0 ? new ByteRange(length - last, last) : null;
    }

    /// <summary>The value of Content-Range for this part of a content.</summary>
    public string In(long length) => string.Create(CultureInfo.InvariantCulture, $"bytes {Offset}-{Offset + Count - 1}/{length}");
}
