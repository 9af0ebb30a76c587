using System.Net;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Consoles;
using PonyCloud.Sparkle.Tests.Api;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Sparkle.Tests.Consoles;

/// <summary>The API beside a host on which an instance of tenant A runs.</summary>
public abstract class ConsoleFixture : ApiFixture
{
    protected static readonly string Path = $"/api/v1/tenant/{TenantA}/instance/{InstanceA}/console";

    internal FakeConsoleHost Metal { get; private set; } = null!;

    protected virtual ConsoleOptions Limits => new() { RetryPeriod = TimeSpan.FromMilliseconds(20) };

    protected string User => Token(Admin, TenantA);

    protected override void AddServices(IServiceCollection services) => services.AddSingleton(Limits);

    [SetUp]
    public async Task StartHostAsync()
    {
        Metal = await FakeConsoleHost.StartAsync();
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA });
        Database.Report(Metal.Report(Host), Placed(InstanceStatus.Running));
    }

    [TearDown]
    public async Task StopHostAsync()
    {
        Assert.That(Log.Lines, Has.None.Contains(Metal.Token), "the host's token stays out of the log");
        Assert.That(Log.Lines.Where(line => line.StartsWith("Error", StringComparison.Ordinal)), Is.Empty);
        await Metal.DisposeAsync();
    }

    protected static HostInstanceCurrent Placed(InstanceStatus status) => new() { Host = Host, Instance = InstanceA, Status = status };

    protected async Task<string> TicketAsync(string type = "serial", string? token = null)
    {
        var answer = await SendAsync(HttpMethod.Post, Path, token ?? User, $$"""{"type": "{{type}}"}""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Created), answer.ToString());
        return (string)answer.Json["path"]!;
    }

    protected async Task<ClientWebSocket> OpenAsync(string path, params string[] subprotocols)
    {
        var socket = new ClientWebSocket();
        foreach (var subprotocol in subprotocols)
            socket.Options.AddSubProtocol(subprotocol);
        await socket.ConnectAsync(new UriBuilder(new Uri(Address, path)) { Scheme = "ws" }.Uri, CancellationToken.None);
        return socket;
    }

    protected async Task<ClientWebSocket> AttachAsync(string type = "serial") => await OpenAsync(await TicketAsync(type));

    protected async Task RefusedAsync(string path, HttpStatusCode status)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(
            () => socket.ConnectAsync(new UriBuilder(new Uri(Address, path)) { Scheme = "ws" }.Uri, CancellationToken.None));
        Assert.That(socket.HttpStatusCode, Is.EqualTo(status));
    }

    protected static async Task SendAsync(ClientWebSocket socket, string text) =>
        await socket.SendAsync(Encoding.ASCII.GetBytes(text), WebSocketMessageType.Binary, true, CancellationToken.None);

    /// <summary>Reads exactly these bytes of the guest.</summary>
    protected static async Task SeesAsync(ClientWebSocket socket, string text)
    {
        var seen = "";
        while (seen.Length < text.Length)
            seen += await NextAsync(socket, WebSocketMessageType.Binary);
        Assert.That(seen, Is.EqualTo(text));
    }

    protected static async Task IsToldAsync(ClientWebSocket socket, string words) =>
        Assert.That(await NextAsync(socket, WebSocketMessageType.Text), Does.Contain(words));

    protected static async Task IsClosedAsync(ClientWebSocket socket, int status, string reason)
    {
        WebSocketReceiveResult result;
        do
            result = await socket.ReceiveAsync(new byte[4096], CancellationToken.None).WaitAsync(Eventually.Patience);
        while (result.MessageType != WebSocketMessageType.Close);
        Assert.That(((int)socket.CloseStatus!, socket.CloseStatusDescription), Is.EqualTo((status, socket.CloseStatusDescription)));
        Assert.That(socket.CloseStatusDescription, Does.StartWith(reason));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    private static async Task<string> NextAsync(ClientWebSocket socket, WebSocketMessageType type)
    {
        var buffer = new byte[4096];
        var result = await socket.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(Eventually.Patience);
        var text = Encoding.UTF8.GetString(buffer, 0, result.Count);
        Assert.That(result.MessageType, Is.EqualTo(type), text + socket.CloseStatusDescription);
        return text;
    }
}
