using System.Globalization;
using Microsoft.AspNetCore.Http;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>What a PUT brings.</summary>
/// <param name="From">Where it begins; null when it brings nothing, and asks how far the upload is, or completes it.</param>
/// <param name="Count">So many bytes it brings.</param>
/// <param name="Total">So many the content has in all.</param>
/// <param name="IsNew">It is a new content, whatever there was.</param>
/// <param name="Digest">The checksum of the content, as the header has it; null when there is none.</param>
internal sealed record UploadRequest(long? From, long Count, long Total, bool IsNew, string? Digest)
{
    private const string Algorithm = "sha-256";
    private const int SumLength = 32;

    /// <summary>Whether nothing is missing behind it.</summary>
    public bool IsLast => From is { } from && from + Count == Total;

    public bool IsWhole => Count == Total && From is 0;

    /// <summary>As the host is told it.</summary>
    public string ContentRange => From is { } from
        ? string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{from + Count - 1}/{Total}")
        : EndOf(Total);

    public static string EndOf(long total) => string.Create(CultureInfo.InvariantCulture, $"bytes */{total}");

    public static string DigestOf(ReadOnlySpan<byte> sum) => $"{Algorithm}=:{Convert.ToBase64String(sum)}:";

    /// <exception cref="ProblemException">A header is missing or malformed.</exception>
    public static UploadRequest Read(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count > 0)
            throw new ProblemException(ProblemKind.UnsupportedMediaType, "The content is taken as it is, with no Content-Encoding.");
        var digest = ReadDigest(request);
        if (request.Headers.ContentRange.Count == 0)
        {
            return request.ContentLength is { } whole
                ? new UploadRequest(0, whole, whole, IsNew: true, digest)
                : throw new ProblemException(ProblemKind.LengthRequired, "Content-Length is needed.");
        }
        if (request.GetTypedHeaders().ContentRange is not { Unit.Value: "bytes", Length: { } total } range)
            throw Malformed("Content-Range must be bytes A-B/T, or bytes */T to ask.");
        var count = range.HasRange ? range.To!.Value - range.From!.Value + 1 : 0;
        return (request.ContentLength ?? (range.HasRange ? null : 0)) == count
            ? new UploadRequest(range.From, count, total, IsNew: false, digest)
            : throw Malformed($"Content-Range says that there are {count} bytes, and Content-Length something else.");
    }

    private static string? ReadDigest(HttpRequest request)
    {
        if (!request.Headers.TryGetValue(KeeperClient.DigestHeader, out var headers))
            return null;
        var sum = new byte[SumLength];
        foreach (var member in headers.SelectMany(header => (header ?? "").Split(',', StringSplitOptions.TrimEntries)))
        {
            if (member.Split('=', 2) is [Algorithm, [':', .. var text, ':']]
                && Convert.TryFromBase64String(text, sum, out var length) && length == SumLength)
            {
                return DigestOf(sum);
            }
        }
        throw Malformed($"{KeeperClient.DigestHeader} must have {Algorithm}, as RFC 9530 says: {Algorithm}=:BASE64:");
    }

    private static ProblemException Malformed(string why) => new(ProblemKind.MalformedRequest, why);
}
