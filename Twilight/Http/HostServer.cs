using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Http;

/// <summary>The HTTPS server of this host; README.md says who talks to it, and how.</summary>
public sealed partial class HostServer : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);

    // Requests that wait for their turn, or are told that there are too many; streams are not counted here.
    private const int ConnectionsMax = 256;

    private readonly HostServerOptions _options;
    private readonly Dictionary<string, IHostRoute> _routes;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly X509Certificate2 _certificate;
    private readonly string _token = HostServerIdentity.NewToken();
    private readonly AnswerCount _answers = new();
    private readonly CancellationTokenSource _stopping = new();
    private WebApplication? _app;

    /// <exception cref="ArgumentException">Two routes have one name.</exception>
    public HostServer(HostServerOptions options, IEnumerable<IHostRoute> routes, TimeProvider time, ILoggerFactory loggers)
    {
        _options = options;
        _routes = routes.ToDictionary(route => route.Name, StringComparer.Ordinal);
        _loggers = loggers;
        _logger = loggers.CreateLogger<HostServer>();
        _certificate = HostServerCertificate.Make(time.GetUtcNow());
    }

    /// <summary>What Sparkle is told; null before the start.</summary>
    public HostServerIdentity? Identity { get; private set; }

    /// <exception cref="IOException">The address is taken.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Nothing but what is said here: neither the environment nor a file makes it listen elsewhere.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(_loggers);
        builder.Services.AddSingleton<IHostLifetime, LifetimeOfAgent>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(Configure);
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync(cancellationToken);
        var bound = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        var endpoint = new UriBuilder(Uri.UriSchemeHttps, _options.Advertised, bound.Port).Uri.GetLeftPart(UriPartial.Authority);
        Identity = new HostServerIdentity(endpoint, HostServerIdentity.FingerprintOf(_certificate), _token);
        LogStarted(endpoint);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is not { } app)
            return;
        _app = null;
        await _stopping.CancelAsync();
        await app.StopAsync(_stopping.Token);
        if (!await _answers.NoneAsync(StopLimit))
            LogHanging();
        await app.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _certificate.Dispose();
        _stopping.Dispose();
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        limits.MaxConcurrentConnections = ConnectionsMax;
        // A part of an upload may be a whole disk.
        limits.MaxRequestBodySize = null;
        limits.MaxRequestHeadersTotalSize = 16 * 1024;
        limits.RequestHeadersTimeout = HandshakeLimit;
        limits.KeepAliveTimeout = IdleLimit;
        limits.MinRequestBodyDataRate = new MinDataRate(_options.RateMin, _options.Grace);
        limits.MinResponseDataRate = new MinDataRate(_options.RateMin, _options.Grace);
        kestrel.Listen(_options.Listen, listen =>
        {
            // One answer a connection: several of HTTP/2 would share one window, and none could become a stream.
            listen.Protocols = HttpProtocols.Http1;
            listen.UseHttps(https =>
            {
                https.ServerCertificate = _certificate;
                https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
                https.HandshakeTimeout = HandshakeLimit;
            });
        });
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization;
        var (name, rest) = context.Request.Path.Value?.Split('/', 3) is ["", var first, .. var more] ? (first, more is [var behind] ? behind : "") : ("", "");
        var route = _routes.GetValueOrDefault(name);
        if (!HostServerIdentity.IsBearer(authorization, _token) && route?.Admits(rest, HostServerIdentity.BearerOf(authorization)) != true)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        if (route is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        using var counted = _answers.Begin();
        try
        {
            await route.AnswerAsync(context, rest, _stopping.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The other side has gone, or this one stops: nobody hears an answer.
            LogCut(exception, name, exception.Message);
            context.Abort();
        }
    }

    /// <summary>Signals are the agent's to hear.</summary>
    private sealed class LifetimeOfAgent : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    [LoggerMessage(EventId = 3801, Level = LogLevel.Information, Message = "Sparkle is served at {Endpoint}.")]
    private partial void LogStarted(string endpoint);

    [LoggerMessage(EventId = 3802, Level = LogLevel.Warning, Message = "Answers have not ended although they were cut off.")]
    private partial void LogHanging();

    [LoggerMessage(EventId = 3803, Level = LogLevel.Debug, Message = "An answer of route {Route} was cut off: {Why}")]
    private partial void LogCut(Exception exception, string route, string why);
}
