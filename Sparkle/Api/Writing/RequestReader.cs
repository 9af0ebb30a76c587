using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Newtonsoft.Json.Linq;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>The body of a request.</summary>
/// <param name="Bytes">As it was sent; empty unless the request may be repeated.</param>
public sealed record RequestBody(JToken Json, string MediaType, ReadOnlyMemory<byte> Bytes);

/// <summary>Reads the body of a request.</summary>
public sealed class RequestReader(ApiOptions options)
{
    /// <exception cref="ProblemException">It is of another media type, too large, or not JSON.</exception>
    public async Task<RequestBody> ReadJsonAsync(HttpRequest request, params string[] mediaTypes)
    {
        var mediaType = MediaTypeOf(request, mediaTypes);
        if (request.ContentLength > options.BodyLimit)
            throw TooLarge();
        var reader = request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(request.HttpContext.RequestAborted);
            var bytes = result.Buffer;
            if (bytes.Length > options.BodyLimit)
                throw TooLarge();
            if (result.IsCompleted)
            {
                ReadOnlyMemory<byte> kept = request.Headers.ContainsKey(IdempotencyKeys.Header) ? bytes.ToArray() : default;
                return new RequestBody(Parse(reader, bytes), mediaType, kept);
            }
            reader.AdvanceTo(bytes.Start, bytes.End);
        }
    }

    private static JToken Parse(PipeReader reader, ReadOnlySequence<byte> bytes)
    {
        try
        {
            return StrictJson.Parse(bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray());
        }
        catch (MalformedJsonException exception)
        {
            throw new ProblemException(ProblemKind.MalformedJson, exception.Message);
        }
        finally
        {
            reader.AdvanceTo(bytes.End);
        }
    }

    private static string MediaTypeOf(HttpRequest request, string[] mediaTypes)
    {
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out var given)
            && mediaTypes.FirstOrDefault(type => given.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)) is { } found
            && (!given.Charset.HasValue || given.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            return found;
        }
        throw new ProblemException(new Problem(ProblemKind.UnsupportedMediaType, $"The body must be {string.Join(" or ", mediaTypes)} in UTF-8.")
        {
            AcceptPatch = HttpMethods.IsPatch(request.Method) ? string.Join(", ", mediaTypes) : null,
        });
    }

    private ProblemException TooLarge() =>
        new(ProblemKind.TooLarge, $"The request body is larger than {options.BodyLimit} bytes.");
}
