using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Metadata.Documents;

namespace PonyCloud.Twilight.Metadata.Serving;

/// <summary>The HTTP server that tells guests of themselves; README.md says how.</summary>
public sealed class MetadataServer(GuestDoors doors, MetadataRows rows, TimeProvider time, ILoggerFactory loggers) : IHostedService, IAsyncDisposable
{
    private const string TokenPath = "/latest/api/token";
    private const string TokenHeader = "X-aws-ec2-metadata-token";
    private const string TokenLifetimeHeader = "X-aws-ec2-metadata-token-ttl-seconds";
    private const string ForwardedHeader = "X-Forwarded-For";

    private const int TargetMax = 2048;
    private const int HeadersMax = 8 * 1024;
    private const int BodyMax = 1024;

    // What is told is small: whoever takes so long for it does not want it.
    private const double RateMin = 4096;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HeadersLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(15);

    private readonly GuestBudget _budget = new();
    private readonly SessionTokens _tokens = new(time);
    private WebApplication? _app;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Nothing but what is said here: neither the environment nor a file makes it listen elsewhere.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<IHostLifetime, LifetimeOfAgent>();
        builder.Services.AddSingleton<IConnectionListenerFactory>(doors);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(Configure);
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync(cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is not { } app)
            return;
        _app = null;
        // Nobody is owed an answer that could not be asked for again.
        await app.StopAsync(new CancellationToken(canceled: true));
        await app.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _budget.Dispose();
    }

    private static void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        limits.MaxRequestLineSize = TargetMax;
        limits.MaxRequestHeadersTotalSize = HeadersMax;
        limits.MaxRequestBodySize = BodyMax;
        limits.RequestHeadersTimeout = HeadersLimit;
        limits.KeepAliveTimeout = IdleLimit;
        limits.MinRequestBodyDataRate = new MinDataRate(RateMin, Grace);
        limits.MinResponseDataRate = new MinDataRate(RateMin, Grace);
        kestrel.Listen(GuestDoors.All, listen => listen.Protocols = HttpProtocols.Http1);
    }

    private Task AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var guest = context.Features.Get<Guest>() ?? throw new InvalidOperationException("A connection came by no door.");
        if (!_budget.TryAcquire(guest))
        {
            response.Headers.RetryAfter = "1";
            response.StatusCode = StatusCodes.Status429TooManyRequests;
            return Task.CompletedTask;
        }
        if (rows.Find(guest.Switch, guest.Address) is not { } instance)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        if (HttpMethods.IsPut(request.Method) && request.Path == TokenPath)
            return GiveTokenAsync(context, instance.Uuid);
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            response.Headers.Allow = "GET, HEAD";
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return Task.CompletedTask;
        }
        // A token is not asked for; whoever has one learns that it is over.
        if (request.Headers.TryGetValue(TokenHeader, out var token) && !_tokens.IsValid(instance.Uuid, token.ToString()))
        {
            response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        }
        return MetadataTree.Find(instance, request.Path.Value ?? "") switch
        {
            MetadataNode.Leaf leaf => WriteAsync(context, leaf.Content, leaf.ContentType),
            MetadataNode.Branch branch => WriteAsync(context, branch.Listing, MetadataNode.Leaf.Plain),
            _ => NotFoundAsync(response),
        };
    }

    /// <summary>As EC2 has it: none goes through a proxy, and none lives longer than six hours.</summary>
    private Task GiveTokenAsync(HttpContext context, Guid instance)
    {
        var (request, response) = (context.Request, context.Response);
        if (request.Headers.ContainsKey(ForwardedHeader))
        {
            response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        }
        var text = request.Headers[TokenLifetimeHeader].ToString();
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds is < 1 or > SessionTokens.LifetimeMax)
        {
            response.StatusCode = StatusCodes.Status400BadRequest;
            return response.WriteAsync($"{TokenLifetimeHeader} must be a number from 1 to {SessionTokens.LifetimeMax}.");
        }
        response.Headers[TokenLifetimeHeader] = text;
        return WriteAsync(context, _tokens.Make(instance, TimeSpan.FromSeconds(seconds)), MetadataNode.Leaf.Plain);
    }

    private static Task WriteAsync(HttpContext context, string content, string contentType)
    {
        context.Response.ContentType = contentType;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(content, context.RequestAborted);
    }

    private static Task NotFoundAsync(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    /// <summary>Signals are the agent's to hear.</summary>
    private sealed class LifetimeOfAgent : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
