using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace PonyCloud.Shared.Http;

/// <summary>Makes clients that speak with one host and nobody else.</summary>
public static class HostHttp
{
    /// <param name="prepare">Changes what is right for most.</param>
    /// <returns>One connection, which ends with the client; it has no time limit of its own.</returns>
    public static HttpClient Make(HostEndpoint host, TimeSpan connectLimit, Action<SocketsHttpHandler>? prepare = null)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = connectLimit,
            MaxConnectionsPerServer = 1,
            UseCookies = false,
            UseProxy = false,
        };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            certificate is not null
            && CryptographicOperations.FixedTimeEquals(certificate.GetCertHash(HashAlgorithmName.SHA256), host.Fingerprint.Span);
        prepare?.Invoke(handler);
        var client = new HttpClient(handler) { BaseAddress = host.Address, Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", host.Token);
        return client;
    }
}
