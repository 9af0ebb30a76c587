using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Http;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Transfers;

namespace PonyCloud.Sparkle.Consoles;

/// <summary><c>GET /api/v1/console?ticket=…</c>: a console as a WebSocket. Whoever has the ticket may, once; no other token is asked.</summary>
internal sealed partial class ConsoleSocket(
    ApiEndpoint api,
    ConsoleTickets tickets,
    ConsoleSlots slots,
    ConsoleHosts hosts,
    ConsoleObstacles obstacles,
    TransferWatch watch,
    IStateView view,
    ConsoleOptions options,
    ApiOptions apiOptions,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<ConsoleSocket> logger)
{
    public const string Path = ApiEndpoint.Root + "/console";
    public const string Ticket = "ticket";

    /// <summary>The subprotocol that programs for screens ask for: frames are bytes.</summary>
    public const string Subprotocol = "binary";

    public async Task HandleAsync(HttpContext context)
    {
        var snapshot = api.RequireSnapshot();
        ReadQuery.RefuseUnknown([.. context.Request.Query.Keys.Where(name => name != Ticket)]);
        ApiEndpoint.RequireGet(context);
        if (!context.WebSockets.IsWebSocketRequest)
            throw new ProblemException(ProblemKind.MalformedRequest, "A console is a WebSocket.");
        if (context.Request.Query[Ticket] is not [{ } text] || tickets.Redeem(text) is not { } ticket)
        {
            throw Authenticator.Unauthenticated(
                "The ticket is none, was used, or has waited too long. Ask for another one.", Authenticator.BearerChallenge);
        }
        if (await obstacles.FindAsync(ticket, snapshot) is { } obstacle)
            throw new ProblemException(obstacle);
        using var slot = slots.Take(ticket.Tenant);
        // What can be refused is refused while a client is still told why.
        await using var first = await ConnectAsync(ticket, hosts.RequireRunning(snapshot, ticket.Instance), context.RequestAborted);
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = context.WebSockets.WebSocketRequestedProtocols.Contains(Subprotocol) ? Subprotocol : null,
            KeepAliveInterval = apiOptions.Watch.KeepAlive,
            KeepAliveTimeout = apiOptions.Watch.PeerTimeout,
        });
        LogOpened(ticket.Type, ticket.Instance, context.TraceIdentifier);
        try
        {
            await ServeAsync(new ConsoleSession(socket, first), ticket, first, context.RequestAborted);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or WebSocketException)
        {
            LogGone(context.TraceIdentifier, exception.Message);
            context.Abort();
        }
    }

    private async Task ServeAsync(ConsoleSession session, ConsoleTicket ticket, Stream first, CancellationToken aborted)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(aborted, lifetime.ApplicationStopping);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        var listening = session.ListenAsync(ending.CancelAsync, cut.Token);
        using var expiry = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        expiry.CancelAfter(ticket.TokenExpires - time.GetUtcNow());
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, expiry.Token);
        var end = ConsoleEnd.Left;
        try
        {
            await watch.RunAsync(
                cancellation => ShowAsync(session, ticket, first, cancellation), now => obstacles.FindAsync(ticket, now), either.Token);
            end = ConsoleEnd.Off;
        }
        catch (ProblemException exception)
        {
            end = ConsoleEnd.Of(exception.Problem);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            end = lifetime.ApplicationStopping.IsCancellationRequested ? ConsoleEnd.Stopping
                : expiry.IsCancellationRequested ? ConsoleEnd.TokenEnded
                : ConsoleEnd.Left;
        }
        finally
        {
            cut.CancelAfter(apiOptions.Watch.Farewell);
            await session.EndAsync(end, cut.Token);
            await listening;
        }
    }

    private async Task ShowAsync(ConsoleSession session, ConsoleTicket ticket, Stream first, CancellationToken cancellationToken)
    {
        await session.ShowAsync(first, cancellationToken);
        if (ticket.Type != ConsoleType.Serial)
            return;
        // A serial port has no state that a viewer would miss, so one that begins anew is the same one.
        using var timer = new PeriodicTimer(options.RetryPeriod, time);
        while (true)
        {
            await session.TellAsync("The instance is off, or moves. Waiting for it.", cancellationToken);
            Stream? next;
            do
                await timer.WaitForNextTickAsync(cancellationToken);
            while ((next = await TryConnectAsync(ticket, cancellationToken)) is null);
            await using (next)
            {
                await session.TellAsync("Here it is again.", cancellationToken);
                await session.ShowAsync(next, cancellationToken);
            }
        }
    }

    private async Task<Stream?> TryConnectAsync(ConsoleTicket ticket, CancellationToken cancellationToken)
    {
        if (view.Snapshot is not { } snapshot || hosts.FindRunning(snapshot, ticket.Instance) is not { } host)
            return null;
        try
        {
            return await HostStreams.ConnectAsync(host, PathOf(ticket), options.HostLimit, time, cancellationToken);
        }
        catch (HostStreamException exception)
        {
            LogNotYet(ticket.Instance, exception.Message);
            return null;
        }
    }

    private async Task<Stream> ConnectAsync(ConsoleTicket ticket, HostEndpoint host, CancellationToken cancellationToken)
    {
        try
        {
            return await HostStreams.ConnectAsync(host, PathOf(ticket), options.HostLimit, time, cancellationToken);
        }
        catch (HostStreamException exception)
        {
            LogRefused(exception, ticket.Instance);
            throw new ProblemException(exception.Failure == HostStreamFailure.Silent
                ? new Problem(ProblemKind.HostSilent, "The host of the instance does not answer in time.")
                : new Problem(ProblemKind.Unavailable, exception.Failure == HostStreamFailure.Impostor
                    ? "The host of the instance does not prove that it is the one."
                    : "The host of the instance does not give out the console at the moment.")
                {
                    RetryAfter = options.RetryAfter,
                });
        }
    }

    private static string PathOf(ConsoleTicket ticket) =>
        $"/console/{ticket.Instance}/{(ticket.Type == ConsoleType.Serial ? "serial" : "vnc")}";

    [LoggerMessage(3071, LogLevel.Information, "The {Type} console of instance {Instance} was opened; request {TraceId}")]
    private partial void LogOpened(ConsoleType type, Guid instance, string traceId);

    [LoggerMessage(3072, LogLevel.Debug, "Console of request {TraceId} ended before it was closed: {Why}")]
    private partial void LogGone(string traceId, string why);

    [LoggerMessage(3073, LogLevel.Debug, "The console of instance {Instance} is not there yet: {Why}")]
    private partial void LogNotYet(Guid instance, string why);

    [LoggerMessage(3074, LogLevel.Warning, "The console of instance {Instance} cannot be opened")]
    private partial void LogRefused(Exception exception, Guid instance);
}
