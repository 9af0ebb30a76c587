using System.Net;

namespace PonyCloud.Shared.Http;

/// <summary>The client's side of a raw two-way stream to a host; README.md says how it works.</summary>
public static class HostStreams
{
    /// <summary>What an HTTP/1.1 connection is upgraded to: bytes, both ways, without frames.</summary>
    public const string Protocol = "ponycloud-stream";

    /// <param name="path">The host's route, such as <c>/console/…</c>.</param>
    /// <param name="limit">So long it may take until the host has accepted.</param>
    /// <returns>A stream that ends when either side disposes of its own.</returns>
    /// <exception cref="HostStreamException">There is no stream.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<Stream> ConnectAsync(
        HostEndpoint host, string path, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var client = HostHttp.Make(host, limit);
        HttpResponseMessage? answer = null;
        try
        {
            answer = await SendAsync(client, path, either.Token);
            if (answer.StatusCode != HttpStatusCode.SwitchingProtocols)
                throw HostStreamException.Refused(answer.StatusCode);
            return new HostStream(client, answer, await answer.Content.ReadAsStreamAsync(either.Token));
        }
        catch (Exception exception)
        {
            answer?.Dispose();
            client.Dispose();
            if (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
                throw HostStreamException.Silent(exception);
            if (exception is HttpRequestException or IOException)
                throw HostStreamException.Failed(exception);
            throw;
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.ParseAdd(Protocol);
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }
}
