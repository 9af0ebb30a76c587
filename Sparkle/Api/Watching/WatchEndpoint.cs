using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary><c>GET /api/v1/watch</c>: a stream of changes, as WebSocket or as Server-Sent Events.</summary>
internal sealed partial class WatchEndpoint(
    ApiEndpoint api,
    ResourceTree tree,
    Authenticator authenticator,
    WatchHub hub,
    Revisions revisions,
    JsonBuffers buffers,
    ApiOptions options,
    ILogger<WatchEndpoint> logger)
{
    private const string EventStream = "text/event-stream";
    private const int TcpLevel = 6;
    private const int TcpUserTimeout = 18;

    private static readonly string[] Parameters = ["since", "table", "path"];

    /// <summary>The header in which a browser's EventSource says how far it got.</summary>
    public const string LastEventId = "Last-Event-ID";

    /// <summary>The path of the endpoint.</summary>
    public const string Path = ApiEndpoint.Root + "/watch";

    public async Task HandleAsync(HttpContext context)
    {
        var snapshot = api.RequireSnapshot();
        api.TellDatabase(context);
        var isSocket = context.WebSockets.IsWebSocketRequest;
        if (!isSocket && !HttpMethods.IsGet(context.Request.Method))
            throw new ProblemException(new Problem(ProblemKind.MethodNotAllowed, "Here is only GET.") { Allow = "GET" });
        var protocols = SocketProtocols.Read(context);
        var token = protocols.Token ?? Authenticator.RequireToken(context.Request);
        var caller = await authenticator.RequireCallerAsync(context.Request, token, snapshot);
        if (!isSocket && !Accepts(context.Request, EventStream))
            throw new ProblemException(ProblemKind.NotAcceptable, $"Changes are sent to a WebSocket, or to whoever accepts {EventStream}.");

        var query = context.Request.Query;
        var unknown = string.Join(", ", query.Keys.Except(Parameters, StringComparer.Ordinal).Order(StringComparer.Ordinal));
        if (unknown.Length > 0)
            throw new ProblemException(ProblemKind.UnknownParameter, $"Unknown query parameters: {unknown}.");
        var filter = WatchFilter.Read(
            query["table"], query["path"], tree, resource => api.Require(context, caller, resource, Operation.Read));
        WatchUntilAcknowledged(context);
        if (isSocket)
            await SendToSocketAsync(context, protocols, token, filter);
        else
            await SendEventsAsync(context, token, filter);
    }

    private async Task SendEventsAsync(HttpContext context, string token, WatchFilter filter)
    {
        var watcher = await AttachAsync(context, token, filter);
        await RunAsync(watcher, context, new EventTransport(context, buffers), static (_, _) => Task.CompletedTask);
    }

    private async Task SendToSocketAsync(HttpContext context, SocketProtocols protocols, string token, WatchFilter filter)
    {
        Watcher? watcher = null;
        try
        {
            watcher = await AttachAsync(context, token, filter);
        }
        catch (ProblemException problem) when (problem.Problem.Kind == ProblemKind.TooOld)
        {
            // A page in a browser is not shown why a handshake failed, but it is shown why a stream ended.
            LogTooOld(context.TraceIdentifier);
        }
        try
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
            {
                SubProtocol = protocols.Chosen,
                KeepAliveInterval = options.Watch.KeepAlive,
                KeepAliveTimeout = options.Watch.PeerTimeout,
            });
            var transport = new SocketTransport(socket);
            if (watcher is null)
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
                limit.CancelAfter(options.Watch.Farewell);
                await transport.EndAsync(WatchEnd.TooOld, limit.Token);
                await transport.ListenAsync(static _ => { }, limit.Token);
                return;
            }
            await RunAsync(watcher, context, transport, transport.ListenAsync);
        }
        catch (Exception exception) when (IsGone(exception))
        {
            LogGone(context.TraceIdentifier, exception.Message);
        }
        finally
        {
            if (watcher is not null)
                hub.Detach(watcher);
        }
    }

    private async Task RunAsync(Watcher watcher, HttpContext context, IWatchTransport transport, Func<Action<WatchEnd>, CancellationToken, Task> listen)
    {
        await using var gone = context.RequestAborted.UnsafeRegister(static state => ((Watcher)state!).End(WatchEnd.Left), watcher);
        try
        {
            await Task.WhenAll(watcher.PumpAsync(transport, context.RequestAborted), listen(watcher.End, watcher.Cut));
        }
        catch (Exception exception) when (IsGone(exception))
        {
            LogGone(context.TraceIdentifier, watcher.Ended?.CloseReason ?? exception.Message);
            context.Abort();
        }
        finally
        {
            watcher.End(WatchEnd.Left);
            hub.Detach(watcher);
        }
    }

    private ValueTask<Watcher> AttachAsync(HttpContext context, string token, WatchFilter filter) =>
        hub.AttachAsync(token, filter, Since(context.Request), context.RequestAborted);

    // A browser's EventSource comes back with the URL that it was given first, and says in the header how far it got.
    private long? Since(HttpRequest request)
    {
        var text = request.Headers[LastEventId];
        var name = LastEventId;
        if (StringValues.IsNullOrEmpty(text))
            (text, name) = (request.Query["since"], "since");
        if (text.Count == 0)
            return null;
        if (text.Count > 1 || !Revisions.IsWellFormed(text[0] ?? ""))
            throw new ProblemException(ProblemKind.MalformedRequest, $"{name} is no revision: it must be one that {Revisions.Header} or a stream said.");
        return revisions.Read(text[0]!) ?? -1;
    }

    // A machine that is gone acknowledges nothing, and would be noticed after a quarter of an hour otherwise.
    private void WatchUntilAcknowledged(HttpContext context)
    {
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = null; // The queue is the measure of who is too slow.
        if (OperatingSystem.IsLinux() && context.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket)
            socket.SetRawSocketOption(TcpLevel, TcpUserTimeout, BitConverter.GetBytes((int)options.Watch.PeerTimeout.TotalMilliseconds));
    }

    private static bool Accepts(HttpRequest request, string mediaType) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
        && accepted.Any(type => type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    private static bool IsGone(Exception exception) =>
        exception is OperationCanceledException or IOException or System.Net.WebSockets.WebSocketException;

    [LoggerMessage(3024, LogLevel.Debug, "Stream {TraceId} asked for changes that are not known any more")]
    private partial void LogTooOld(string traceId);

    [LoggerMessage(3023, LogLevel.Debug, "Stream {TraceId} ended before it was closed: {Why}")]
    private partial void LogGone(string traceId, string why);
}
