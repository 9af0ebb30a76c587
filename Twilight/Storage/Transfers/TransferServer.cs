using System.Globalization;
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

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>The HTTPS server through which Sparkle transfers contents of volumes; README.md says how.</summary>
public sealed partial class TransferServer : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);

    // Each transfer has one; the others wait for their turn, or are told that there are too many.
    private const int ConnectionsMax = 256;

    private readonly TransferOptions _options;
    private readonly IVolumeContents _contents;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TransferSlots _slots;
    private readonly DownloadHandler _download;
    private readonly UploadHandler _upload;
    private readonly X509Certificate2 _certificate;
    private readonly string _token = TransferIdentity.NewToken();
    private readonly CancellationTokenSource _stopping = new();
    private WebApplication? _app;

    public TransferServer(TransferOptions options, IVolumeContents contents, TimeProvider time, ILoggerFactory loggers)
    {
        _options = options;
        _contents = contents;
        _loggers = loggers;
        _logger = loggers.CreateLogger<TransferServer>();
        _slots = new TransferSlots(options.TransfersMax);
        _download = new DownloadHandler(_slots, _logger);
        _upload = new UploadHandler(new UploadBook(), _slots, options, time, _logger);
        _certificate = TransferCertificate.Make(time.GetUtcNow());
    }

    /// <summary>What Sparkle is told; null before the start.</summary>
    public TransferIdentity? Identity { get; private set; }

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
        Identity = new TransferIdentity(endpoint, TransferIdentity.FingerprintOf(_certificate), _token);
        LogStarted(endpoint);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is not { } app)
            return;
        _app = null;
        await _stopping.CancelAsync();
        await app.StopAsync(_stopping.Token);
        if (!await _slots.CloseAsync(StopLimit))
            LogHanging();
        await app.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _certificate.Dispose();
        _slots.Dispose();
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
            // One transfer a connection: several of HTTP/2 would share one window.
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
        if (!TransferIdentity.IsBearer(context.Request.Headers.Authorization, _token))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        var isUpload = HttpMethods.IsPut(context.Request.Method);
        if (context.Request.Path.Value?.Split('/') is not ["", "volume", var name] || !Guid.TryParseExact(name, "D", out var volume))
            context.Response.StatusCode = StatusCodes.Status404NotFound;
        else if (!isUpload && !HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            await NotAllowedAsync(context);
        else if (!TryGeneration(context.Request.Query["generation"], out var generation) || (isUpload && generation is null))
            await TransferAnswer.RefuseAsync(context, StatusCodes.Status400BadRequest, "generation must be a number.");
        else
            await AnswerAsync(context, volume, generation, isUpload);
    }

    private async Task AnswerAsync(HttpContext context, Guid volume, long? generation, bool isUpload)
    {
        var content = await _contents.FindAsync(volume, context.RequestAborted);
        if (content is null || (!isUpload && content.State == ContentState.Awaited && !HttpMethods.IsHead(context.Request.Method)))
        {
            await TransferAnswer.RefuseAsync(context, StatusCodes.Status404NotFound, "There is no content of this volume.");
            return;
        }
        if (generation is not null && generation != content.Generation)
        {
            await TransferAnswer.RefuseAsync(
                context, StatusCodes.Status412PreconditionFailed, $"The content is of generation {content.Generation}.");
            return;
        }
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(content.Withdrawn, _stopping.Token);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(gone.Token, context.RequestAborted);
        try
        {
            if (isUpload)
                await _upload.AnswerAsync(context, volume, content, cut.Token, gone.Token);
            else if (content.State == ContentState.Awaited)
                _upload.TellOffset(context, volume, content);
            else
                await _download.AnswerAsync(context, volume, content, cut.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            await EndAsync(context, volume, content, exception);
        }
    }

    /// <summary>What was cut off is told to a peer that is still there, if it can be.</summary>
    private async Task EndAsync(HttpContext context, Guid volume, IVolumeContent content, Exception exception)
    {
        LogCut(exception, volume, exception.Message);
        if (content.Withdrawn.IsCancellationRequested && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
            await TransferAnswer.RefuseAsync(context, StatusCodes.Status410Gone, "The content is no longer wanted.");
        else
            context.Abort();
    }

    private static Task NotAllowedAsync(HttpContext context)
    {
        context.Response.Headers.Allow = "GET, HEAD, PUT";
        return TransferAnswer.RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "GET, HEAD and PUT are all.");
    }

    private static bool TryGeneration(string? text, out long? generation)
    {
        generation = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        return text is null || generation is not null;
    }

    /// <summary>Signals are the agent's to hear.</summary>
    private sealed class LifetimeOfAgent : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    [LoggerMessage(EventId = 3501, Level = LogLevel.Information, Message = "Contents of volumes are transferred at {Endpoint}.")]
    private partial void LogStarted(string endpoint);

    [LoggerMessage(EventId = 3502, Level = LogLevel.Warning, Message = "Transfers have not ended although they were cut off.")]
    private partial void LogHanging();

    [LoggerMessage(EventId = 3503, Level = LogLevel.Information, Message = "Volume {Volume}: a transfer was cut off: {Why}")]
    private partial void LogCut(Exception exception, Guid volume, string why);
}
