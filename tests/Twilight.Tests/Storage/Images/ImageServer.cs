using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Tests.Storage.Images;

/// <summary>A request as it came in.</summary>
internal sealed record SeenRequest(string Path, IReadOnlyDictionary<string, string> Headers);

/// <summary>A web server on a free port of loopback that answers as the test says.</summary>
internal sealed class ImageServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<SeenRequest> _requests = new();

    private ImageServer(WebApplication app) => _app = app;

    public IReadOnlyList<SeenRequest> Requests => [.. _requests];

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public static async Task<ImageServer> StartAsync(RequestDelegate answer, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // Only the client decides what is too slow.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                if (certificate is not null)
                    listen.UseHttps(certificate);
            });
        });
        builder.WebHost.UseKestrelHttpsConfiguration();
        var server = new ImageServer(builder.Build());
        server._app.Run(context =>
        {
            server._requests.Enqueue(new SeenRequest(
                context.Request.Path + context.Request.QueryString,
                context.Request.Headers.ToDictionary(
                    header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            return answer(context);
        });
        await server._app.StartAsync();
        return server;
    }

    /// <summary>As the address of this server, under another name.</summary>
    public string Under(string name, string path = "/image") => new UriBuilder(Address) { Host = name, Path = path }.Uri.ToString();

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        // Requests that the test left hanging are cut.
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
