using System.Net;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Http;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>
/// Speaks with the server of one host for one transfer, over a connection of its own that ends with it.
/// </summary>
internal sealed partial class KeeperClient : IDisposable
{
    public const string OffsetHeader = "Upload-Offset";
    public const string DigestHeader = "Repr-Digest";

    private readonly Keeper _keeper;
    private readonly TransferOptions _options;
    private readonly ILogger _logger;
    private readonly HttpClient _http;

    public KeeperClient(Keeper keeper, TransferOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        _keeper = keeper;
        _options = options;
        _logger = logger;
        Patience = new Patience(time, cancellationToken);
        // A host that clears what an older upload left says nothing before it is ready to take the new one.
        _http = HostHttp.Make(keeper.Endpoint, options.ConnectLimit, handler => handler.Expect100ContinueTimeout = options.FlushLimit);
    }

    /// <summary>How long the host may still take.</summary>
    public Patience Patience { get; }

    /// <summary>When a client may come again.</summary>
    public TimeSpan RetryAfter => _options.RetryAfter;

    /// <summary>Sends a request for one content of a volume; the answer is read no further than its headers.</summary>
    /// <param name="limit">So long it may take until there is an answer, unless the content of the request says otherwise.</param>
    /// <exception cref="ProblemException">The host cannot be reached, is not the host, or takes too long.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Guid volume, int generation, TimeSpan limit, Action<HttpRequestMessage>? prepare = null)
    {
        using var request = new HttpRequestMessage(method, $"/volume/{volume}?generation={generation}")
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        prepare?.Invoke(request);
        try
        {
            Patience.Begin(limit);
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Patience.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException)
        {
            if (Translate(exception) is { } problem)
                throw problem;
            throw;
        }
        finally
        {
            Patience.Rest();
        }
    }

    /// <summary>What a failure of the connection means to the client; null when it is no failure of the host's.</summary>
    public ProblemException? Translate(Exception exception)
    {
        if (exception is OperationCanceledException && Patience.Token.IsCancellationRequested && !Patience.IsAtItsEnd)
            return null;
        LogFailed(exception, _keeper.Host);
        if (exception is OperationCanceledException)
            return new ProblemException(new Problem(ProblemKind.HostSilent, "The host that keeps the volume does not answer in time."));
        return Refused(exception is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }
            ? "The host that keeps the volume does not prove that it is the one."
            : "The connection to the host that keeps the volume failed.");
    }

    /// <summary>What a refusal of the host means to the client, whatever was asked for.</summary>
    public ProblemException Translate(HttpResponseMessage answer)
    {
        LogRefused(_keeper.Host, (int)answer.StatusCode);
        return answer.StatusCode switch
        {
            HttpStatusCode.Gone => new ProblemException(ProblemKind.ContentWithdrawn, "The content is no longer wanted."),
            HttpStatusCode.Unauthorized => Refused("The host that keeps the volume has started anew and is not known yet."),
            HttpStatusCode.NotFound or HttpStatusCode.PreconditionFailed => Refused("The host that keeps the volume does not have this content yet."),
            HttpStatusCode.ServiceUnavailable => Refused("The host that keeps the volume has no place for another transfer."),
            _ => Refused("The host that keeps the volume cannot transfer the content."),
        };
    }

    public void Dispose()
    {
        _http.Dispose();
        Patience.Dispose();
    }

    private ProblemException Refused(string why) => new(new Problem(ProblemKind.Unavailable, why) { RetryAfter = _options.RetryAfter });

    [LoggerMessage(3061, LogLevel.Warning, "The transfer server of host {Host} failed")]
    private partial void LogFailed(Exception exception, Guid host);

    [LoggerMessage(3062, LogLevel.Information, "The transfer server of host {Host} answered {Status}")]
    private partial void LogRefused(Guid host, int status);
}
