using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>Serves what the API says about itself, to everybody: it is the same wherever this version runs.</summary>
public sealed class DescriptionEndpoint(ResourceTree tree)
{
    /// <summary>The catalog for programs.</summary>
    public const string SchemaPath = ApiEndpoint.Root + "/schema";

    /// <summary>All paths, as OpenAPI has it.</summary>
    public const string OpenApiPath = "/openapi/v1.json";

    private readonly PublishedDocument _schema = SchemaWriter.Write(tree);
    private readonly PublishedDocument _openApi = OpenApiWriter.Write(tree);

    public Task OpenApiAsync(HttpContext context) => SendAsync(context, _openApi);

    public Task SchemaAsync(HttpContext context) => SendAsync(context, _schema);

    private static async Task SendAsync(HttpContext context, PublishedDocument document)
    {
        ApiEndpoint.RequireGet(context);
        var response = context.Response;
        // To be kept, and asked for again: another version of the controller has another one.
        response.Headers.CacheControl = "public, no-cache";
        response.Headers.ETag = document.ETag;
        if (Has(context.Request, document.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.ContentType = "application/json";
        response.ContentLength = document.Bytes.Length;
        if (HttpMethods.IsGet(context.Request.Method))
            await response.BodyWriter.WriteAsync(document.Bytes, context.RequestAborted);
    }

    private static bool Has(HttpRequest request, string tag)
    {
        var own = new EntityTagHeaderValue(tag);
        return EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out var given)
            && given.Any(other => other.Equals(EntityTagHeaderValue.Any) || own.Compare(other, useStrongComparison: false));
    }
}
