using Microsoft.AspNetCore.Http;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>
/// What every answer tells a browser, should one ever show it: these are data, not pages. Nothing in them runs, nobody
/// frames them, and no cache keeps them.
/// </summary>
internal static class SecurityHeaders
{
    public static void Set(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (context.Request.IsHttps)
            headers.StrictTransportSecurity = "max-age=31536000";
    }
}
