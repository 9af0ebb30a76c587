using System.Net;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>The answer of a server: a content from some byte on.</summary>
internal sealed class HttpContentPart : IDisposable
{
    private readonly HttpResponseMessage _response;

    private HttpContentPart(Uri uri, HttpResponseMessage response)
    {
        Uri = uri;
        _response = response;
    }

    /// <summary>Where it came from in the end.</summary>
    public Uri Uri { get; }

    /// <summary>Its first byte, in the whole.</summary>
    public long Offset { get; private init; }

    /// <summary>The size of the whole; null when the server does not say.</summary>
    public long? Total { get; private init; }

    public EntityValidator? Validator { get; private init; }

    /// <summary>Reads an answer to a request for the content from a byte on.</summary>
    /// <exception cref="ImageException">It is no such answer.</exception>
    public static HttpContentPart From(Uri uri, HttpResponseMessage response, long offset, EntityValidator? validator)
    {
        var headers = response.Content.Headers;
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK or HttpStatusCode.PartialContent
                when headers.ContentEncoding.Any(encoding => !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)):
                throw ImageException.Refused($"{uri.Host} sends the content packed, although it was asked not to.");
            case HttpStatusCode.OK:
                return new HttpContentPart(uri, response)
                {
                    Total = headers.ContentLength,
                    Validator = EntityValidator.Of(response),
                };
            case HttpStatusCode.PartialContent when offset > 0 && validator is not null:
                return GoesOn(uri, response, offset, validator);
            case HttpStatusCode.RequestedRangeNotSatisfiable when offset > 0:
                throw new CannotResumeException($"{uri.Host} has no longer what it began to send.");
            case HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests:
            case >= HttpStatusCode.InternalServerError:
                throw ImageException.Unreachable($"{uri.Host} answers with status {(int)response.StatusCode}.");
            default:
                throw ImageException.Refused($"{uri.Host} answers with status {(int)response.StatusCode}.");
        }
    }

    public Task<Stream> OpenAsync(CancellationToken cancellationToken) => _response.Content.ReadAsStreamAsync(cancellationToken);

    public void Dispose() => _response.Dispose();

    private static HttpContentPart GoesOn(Uri uri, HttpResponseMessage response, long offset, EntityValidator validator)
    {
        // A part of several parts, or of another content, has nothing that goes on where the connection was cut.
        if (response.Content.Headers.ContentRange is not { Unit: "bytes", HasRange: true } range || range.From != offset
            || (response.Headers.ETag is { } tag && validator.Tag is { } expected && !tag.Equals(expected)))
        {
            throw new CannotResumeException($"{uri.Host} does not go on where it was cut off.");
        }
        return new HttpContentPart(uri, response)
        {
            Offset = offset,
            Total = range.Length,
            Validator = validator,
        };
    }
}

/// <summary>What there is cannot be gone on with: the whole is fetched again.</summary>
internal sealed class CannotResumeException(string why) : Exception(why);
