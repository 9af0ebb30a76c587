using Microsoft.AspNetCore.Http;

namespace PonyCloud.Twilight.Http;

/// <summary>Answers that say no.</summary>
internal static class HostAnswer
{
    public static Task RefuseAsync(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        if (status == StatusCodes.Status503ServiceUnavailable)
            context.Response.Headers.RetryAfter = "1";
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }
}
