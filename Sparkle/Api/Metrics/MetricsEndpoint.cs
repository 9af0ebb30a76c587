using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Metrics;

/// <summary>
/// Answers <c>/metrics</c> to operators, and to whoever brings the token in the file that is set up for it, so that what
/// collects metrics needs no account and can do nothing else.
/// </summary>
public sealed class MetricsEndpoint(ApiOptions options, ApiEndpoint api, Authenticator authenticator, MetricsCollector collector, InstanceMetrics instances)
{
    public const string Path = "/metrics";

    private const string MediaType = "text/plain; version=0.0.4; charset=utf-8";

    public async Task HandleAsync(HttpContext context)
    {
        ApiEndpoint.RequireGet(context);
        if (!await HasFileTokenAsync(context) && !(await authenticator.RequireCallerAsync(context.Request, api.RequireSnapshot())).IsAlicorn)
            throw new ProblemException(ProblemKind.Forbidden, "Only operators of the platform may do this.");
        var bytes = Encoding.UTF8.GetBytes(collector.Write() + await instances.ReadAsync(context.RequestAborted));
        context.Response.ContentType = MediaType;
        context.Response.ContentLength = bytes.Length;
        if (HttpMethods.IsGet(context.Request.Method))
            await context.Response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
    }

    // Read each time, so that a new token counts at once; what asks too often is stopped before.
    private async Task<bool> HasFileTokenAsync(HttpContext context)
    {
        if (options.MetricsTokenFile is not { } file || Authenticator.BearerIn(context.Request) is not { } given)
            return false;
        var expected = (await File.ReadAllTextAsync(file, context.RequestAborted)).Trim();
        return expected.Length >= ApiOptions.ShortestMetricsToken
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(expected)));
    }
}
