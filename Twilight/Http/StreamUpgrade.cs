using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using PonyCloud.Shared.Http;

namespace PonyCloud.Twilight.Http;

/// <summary>The server's side of a raw two-way stream; <see cref="HostStreams"/> is the other.</summary>
public static class StreamUpgrade
{
    /// <summary>Whether this request wants a stream; if not, it has been told so (426).</summary>
    public static async Task<bool> IsWantedAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            && string.Equals(context.Request.Headers.Upgrade, HostStreams.Protocol, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }
        context.Response.Headers.Upgrade = HostStreams.Protocol;
        await HostAnswer.RefuseAsync(context, StatusCodes.Status426UpgradeRequired, $"Upgrade: {HostStreams.Protocol} is needed.");
        return false;
    }

    /// <summary>
    /// Accepts: nothing can be refused from here on. The stream may be silent for as long as it likes, ends when the server
    /// stops, and must not be used after the route has answered.
    /// </summary>
    public static Task<Stream> AcceptAsync(HttpContext context)
    {
        context.Features.GetRequiredFeature<IHttpMinRequestBodyDataRateFeature>().MinDataRate = null;
        context.Features.GetRequiredFeature<IHttpMinResponseDataRateFeature>().MinDataRate = null;
        context.Response.Headers.Upgrade = HostStreams.Protocol;
        return context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
    }
}
