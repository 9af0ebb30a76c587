using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Sparkle.Api.Tls;

namespace PonyCloud.Sparkle.Api;

/// <summary>An address to listen on.</summary>
public sealed record ListenAddress(IPEndPoint Endpoint, bool IsHttps)
{
    /// <summary>Takes <c>http://ADDRESS:PORT</c> or <c>https://ADDRESS:PORT</c> apart; null when it is neither.</summary>
    public static ListenAddress? TryParse(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && uri is { Scheme: "http" or "https", UserInfo: "", PathAndQuery: "/", Fragment: "" }
        && IPAddress.TryParse(uri.DnsSafeHost, out var address)
            ? new ListenAddress(new IPEndPoint(address, uri.Port), uri.Scheme == "https")
            : null;
}

/// <summary>Makes Kestrel listen, and bounds what a client can cost before a request of it is even read.</summary>
internal static class Listening
{
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HeadersLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private const int SlowestBytesPerSecond = 240;

    public static void Configure(KestrelServerOptions kestrel, ApiOptions options)
    {
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = options.BodyLimit;
        limits.MaxRequestLineSize = 8 * 1024;
        limits.MaxRequestHeadersTotalSize = 16 * 1024;
        limits.MaxRequestHeaderCount = 64;
        limits.RequestHeadersTimeout = HeadersLimit;
        limits.MinRequestBodyDataRate = new MinDataRate(SlowestBytesPerSecond, Grace);
        limits.MinResponseDataRate = new MinDataRate(SlowestBytesPerSecond, Grace);
        limits.MaxConcurrentConnections = options.Connections;
        limits.MaxConcurrentUpgradedConnections = options.Connections;
        foreach (var address in options.Addresses())
        {
            kestrel.Listen(address.Endpoint, listen =>
            {
                if (address.IsHttps)
                    listen.UseHttps(Https(kestrel.ApplicationServices.GetRequiredService<ServerCertificate>()));
            });
        }
    }

    private static TlsHandshakeCallbackOptions Https(ServerCertificate certificate) => new()
    {
        HandshakeTimeout = HandshakeLimit,
        // Asked for every connection, so that a new certificate counts from the next one on.
        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Current.Context,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        }),
    };
}
