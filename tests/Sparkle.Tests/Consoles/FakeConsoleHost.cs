using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Http;
using PonyCloud.Twilight.Http;

namespace PonyCloud.Sparkle.Tests.Consoles;

/// <summary>The server of a host, a real one, and a guest that greets and sends back what is typed.</summary>
internal sealed class FakeConsoleHost : IHostRoute, IAsyncDisposable
{
    private readonly HostServer _server;
    private readonly ConcurrentQueue<string> _asked = [];
    private CancellationTokenSource _running = new();

    private FakeConsoleHost() => _server = new HostServer(
        new HostServerOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), Advertised = "127.0.0.1" },
        [this], TimeProvider.System, NullLoggerFactory.Instance);

    public string Name => "console";

    public string Greeting { get; set; } = "login: ";

    /// <summary>What it was asked for, with queries.</summary>
    public IReadOnlyList<string> Asked => [.. _asked];

    public string Token => _server.Identity!.Token;

    public static async Task<FakeConsoleHost> StartAsync()
    {
        var host = new FakeConsoleHost();
        await host._server.StartAsync(CancellationToken.None);
        return host;
    }

    public HostCurrent Report(Guid host) => new()
    {
        Uuid = host,
        AgentVersion = "1",
        BootId = "1",
        Kernel = "6",
        CpuModel = "fake",
        TransferEndpoint = _server.Identity!.Endpoint,
        TransferFingerprint = _server.Identity.Fingerprint,
        TransferToken = Token,
    };

    /// <summary>The guest is killed, and starts anew.</summary>
    public async Task RestartAsync()
    {
        var old = Interlocked.Exchange(ref _running, new CancellationTokenSource());
        await old.CancelAsync();
        old.Dispose();
    }

    public async Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping)
    {
        _asked.Enqueue(rest + context.Request.QueryString);
        if (rest.EndsWith("/log", StringComparison.Ordinal))
        {
            context.Response.Headers[ConsoleHeaders.Offset] = "7";
            context.Response.Headers[ConsoleHeaders.End] = "12";
            await context.Response.WriteAsync("hello", context.RequestAborted);
            return;
        }
        if (!await StreamUpgrade.IsWantedAsync(context))
            return;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, _running.Token);
        await using var stream = await StreamUpgrade.AcceptAsync(context);
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(Greeting), ending.Token);
        await stream.FlushAsync(ending.Token);
        var buffer = new byte[4096];
        while (await stream.ReadAsync(buffer, ending.Token) is var count and > 0)
            await stream.WriteAsync(buffer.AsMemory(0, count), ending.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _running.Dispose();
    }
}
