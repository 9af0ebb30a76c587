using Microsoft.AspNetCore.Http;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>Answers that say no.</summary>
internal static class TransferAnswer
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
