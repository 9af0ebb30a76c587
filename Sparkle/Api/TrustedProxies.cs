using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace PonyCloud.Sparkle.Api;

/// <summary>
/// Takes the address of the client, and whether it came by HTTPS, from what proxies in front say, as far as they are
/// trusted. Without a list nobody is: anybody can send such a header.
/// </summary>
internal sealed class TrustedProxies(ApiOptions options) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => application =>
    {
        if (options.TrustedProxies.Count > 0)
            application.UseForwardedHeaders(Options());
        next(application);
    };

    /// <summary>An address, or a network as <c>192.0.2.0/24</c>; null when it is neither.</summary>
    public static IPNetwork? TryParse(string text)
    {
        if (IPNetwork.TryParse(text, out var network))
            return network;
        return IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : null;
    }

    private ForwardedHeadersOptions Options()
    {
        // Every proxy in a row that is trusted, from the nearest on, and no further.
        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto,
            ForwardLimit = null,
        };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var proxy in options.TrustedProxies)
            forwarded.KnownIPNetworks.Add(TryParse(proxy)!.Value);
        return forwarded;
    }
}
