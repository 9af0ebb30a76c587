using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using PonyCloud.Shared.Entities;

namespace PonyCloud.TestKit.Transfers;

/// <summary>A request as it arrived.</summary>
public sealed record KeeperRequest(string Method, Guid Volume, string? Range, string? ContentRange, bool IsTrusted);

/// <summary>
/// The transfer server of a host, as <c>Twilight/Storage/Transfers/README.md</c> says, over contents in memory. A test lets go
/// wrong what it likes.
/// </summary>
public sealed class FakeKeeper : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate = MakeCertificate();
    private readonly ConcurrentDictionary<Guid, KeptContent> _contents = [];
    private readonly ConcurrentQueue<KeeperRequest> _seen = [];
    private readonly ConcurrentQueue<Func<HttpContext, Func<Task>, Task>> _faults = [];

    private FakeKeeper()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(_certificate));
        });
        builder.WebHost.UseKestrelHttpsConfiguration();
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public string Endpoint { get; private set; } = "";

    public string Fingerprint => _certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();

    public string Token { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>All requests so far.</summary>
    public IReadOnlyList<KeeperRequest> Seen => [.. _seen];

    /// <summary>Completed with each request that ended because Sparkle went away.</summary>
    public TaskCompletionSource Abandoned { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<FakeKeeper> StartAsync()
    {
        var keeper = new FakeKeeper();
        await keeper._app.StartAsync();
        keeper.Endpoint = keeper._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return keeper;
    }

    /// <summary>What the host reports of itself.</summary>
    public HostCurrent Report(Guid host) => new()
    {
        Uuid = host,
        AgentVersion = "1",
        BootId = "1",
        Kernel = "6",
        CpuModel = "fake",
        TransferEndpoint = Endpoint,
        TransferFingerprint = Fingerprint,
        TransferToken = Token,
    };

    /// <summary>The host has a content.</summary>
    public void Keep(Guid volume, int generation, byte[] content) =>
        _contents[volume] = new KeptContent(generation, content) { Offset = content.Length, Finished = SHA256.HashData(content) };

    /// <summary>The host has heard that a content is to come.</summary>
    public KeptContent Await(Guid volume, int generation, long length) => _contents[volume] = new KeptContent(generation, new byte[length]);

    public KeptContent Find(Guid volume) => _contents[volume];

    /// <summary>Has the next GET or PUT do this, in place of what it would, before it or after it.</summary>
    public void Fault(Func<HttpContext, Func<Task>, Task> what) => _faults.Enqueue(what);

    /// <summary>Has the next GET or PUT answered so.</summary>
    public void Answer(int status) => Fault((context, _) =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    });

    /// <summary>Says nothing until Sparkle has gone.</summary>
    /// <exception cref="OperationCanceledException">It has.</exception>
    public static async Task SilenceAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.Register(() => gone.TrySetCanceled());
        await gone.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        return new CertificateRequest("CN=fake keeper", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var volume = Guid.Parse(request.Path.Value!.Split('/')[^1]);
        var isTrusted = request.Headers.Authorization == "Bearer " + Token;
        _seen.Enqueue(new KeeperRequest(request.Method, volume, Text(HeaderNames.Range), Text(HeaderNames.ContentRange), isTrusted));
        try
        {
            if (!isTrusted)
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            else if (!HttpMethods.IsHead(request.Method) && _faults.TryDequeue(out var fault))
                await fault(context, () => AnswerAsync(context, volume));
            else
                await AnswerAsync(context, volume);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            Abandoned.TrySetResult();
            context.Abort();
        }

        string? Text(string header) => request.Headers.TryGetValue(header, out var value) ? value.ToString() : null;
    }

    private Task AnswerAsync(HttpContext context, Guid volume)
    {
        var (request, response) = (context.Request, context.Response);
        if (!_contents.TryGetValue(volume, out var content))
            response.StatusCode = StatusCodes.Status404NotFound;
        else if (request.Query["generation"] != $"{content.Generation}")
            response.StatusCode = StatusCodes.Status412PreconditionFailed;
        else if (HttpMethods.IsPut(request.Method))
            return content.TakeAsync(context);
        else
            return content.GiveAsync(context);
        return Task.CompletedTask;
    }
}
