using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Newtonsoft.Json.Linq;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Reads the body of a request.</summary>
public sealed class RequestReader(ApiOptions options)
{
    /// <exception cref="ProblemException">It is of another media type, too large, or not JSON.</exception>
    public async Task<JToken> ReadJsonAsync(HttpRequest request, string mediaType)
    {
        RequireMediaType(request, mediaType);
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
                return Parse(reader, bytes);
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

    private static void RequireMediaType(HttpRequest request, string mediaType)
    {
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out var given)
            && given.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase)
            && (!given.Charset.HasValue || given.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            return;
        }
        throw new ProblemException(new Problem(ProblemKind.UnsupportedMediaType, $"The body must be {mediaType} in UTF-8.")
        {
            AcceptPatch = mediaType == ApiEndpoint.PatchMediaType ? mediaType : null,
        });
    }

    private ProblemException TooLarge() =>
        new(ProblemKind.TooLarge, $"The request body is larger than {options.BodyLimit} bytes.");
}
