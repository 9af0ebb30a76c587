using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>
/// Asks a server for a content, from a byte on. Follows redirects by itself, from the source each time: where they lead may
/// be good for one request only.
/// </summary>
internal sealed class HttpSource : IDisposable
{
    private static readonly HttpStatusCode[] Redirects =
    [
        HttpStatusCode.MovedPermanently, HttpStatusCode.Found, HttpStatusCode.SeeOther,
        HttpStatusCode.TemporaryRedirect, HttpStatusCode.PermanentRedirect,
    ];

    private readonly Uri _source;
    private readonly ImageFetchOptions _options;
    private readonly HttpMessageInvoker _http;

    public HttpSource(Uri source, CheckedConnector connector, ImageFetchOptions options)
    {
        _source = source;
        _options = options;
        // Of one fetch only: a connection that was made for one image must not serve another with less rights.
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectCallback = connector.ConnectAsync,
            // The watch over the whole request says when it is too slow.
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            MaxResponseDrainSize = 0,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = options.Trust },
        });
    }

    /// <param name="offset">From this byte on, if the server can and the content is that of the validator; else from the first.</param>
    /// <exception cref="ImageException">The server refuses, fails, or cannot be reached.</exception>
    public async Task<HttpContentPart> OpenAsync(long offset, EntityValidator? validator, CancellationToken cancellationToken)
    {
        var uri = _source;
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendAsync(uri, offset, validator, cancellationToken);
            try
            {
                if (!Redirects.Contains(response.StatusCode))
                    return HttpContentPart.From(uri, response, offset, validator);
                if (redirects == _options.RedirectsMax)
                    throw ImageException.Refused($"The source redirects more than {_options.RedirectsMax} times.");
                uri = SourceUri.Follow(uri, response.Headers.Location);
            }
            catch
            {
                response.Dispose();
                throw;
            }
            response.Dispose();
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>What broke while a server was asked or listened to, as the image's owner is told.</summary>
    public static ImageException Broken(Uri uri, Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is ImageException known)
                return known;
            if (cause is AuthenticationException)
                return ImageException.Refused($"{uri.Host} has no certificate that this host trusts.", exception);
        }
        return ImageException.Unreachable($"The connection to {uri.Host} broke.", exception);
    }

    private async Task<HttpResponseMessage> SendAsync(Uri uri, long offset, EntityValidator? validator, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        // Packed on the way, neither ranges nor the checksum would mean the content.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("PonyCloud", null));
        if (offset > 0 && validator is not null)
        {
            request.Headers.Range = new RangeHeaderValue(offset, null);
            request.Headers.IfRange = validator.IfRange;
        }
        try
        {
            return await _http.SendAsync(request, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw Broken(uri, exception);
        }
    }
}
