using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PonyCloud.Pony.Http;

/// <summary>Makes the HTTP client for a server, which proves who it is before it is sent anything.</summary>
internal static class ServerConnection
{
    /// <summary>Checks the address of a server as it was typed.</summary>
    /// <exception cref="PonyException">It is no such address, or passwords would cross the network in the open.</exception>
    public static Uri Parse(string text)
    {
        if (!Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : "https://" + text, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0 || uri.PathAndQuery != "/" || uri.Fragment.Length > 0)
        {
            throw PonyException.Usage($"\"{Output.Printable.Of(text)}\" is no server's address, such as https://cloud.example:9860.");
        }
        if (uri.Scheme == "http" && !uri.IsLoopback)
            throw PonyException.Usage($"Over {uri} everybody on the way could read the password. Only a server on this machine may be spoken to without TLS.");
        return uri;
    }

    /// <param name="caFile">Certificates, in PEM, that alone are trusted.</param>
    /// <param name="insecure">The server's certificate is not looked at.</param>
    public static HttpClient Open(Uri server, string? caFile, bool insecure)
    {
        if (insecure && !server.IsLoopback)
            throw PonyException.Usage("--insecure is for a server on this machine. For others there is --ca-file.");
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // The server orders a content before it takes it, and a host may have to clear an older one.
            Expect100ContinueTimeout = TimeSpan.FromSeconds(30),
            UseCookies = false,
        };
        if (server.IsLoopback)
            handler.UseProxy = false;
        if (insecure)
        {
#pragma warning disable CA5359 // Asked for in so many words, and only where nobody is in between.
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (caFile is not null)
        {
            handler.SslOptions.CertificateChainPolicy = TrustOnly(caFile);
        }
        // Each attempt has a limit of its own.
        var http = new HttpClient(handler) { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.UserAgent.ParseAdd($"pony/{Version}");
        return http;
    }

    public static string Version { get; } =
        typeof(ServerConnection).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static X509ChainPolicy TrustOnly(string caFile)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        // An extended use of servers, as the platform's own policy asks for.
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(caFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new PonyException(ExitCode.Usage, $"The certificates in {caFile} cannot be read.", exception);
        }
        if (policy.CustomTrustStore.Count == 0)
            throw PonyException.Usage($"{caFile} holds no certificate in PEM.");
        return policy;
    }
}
