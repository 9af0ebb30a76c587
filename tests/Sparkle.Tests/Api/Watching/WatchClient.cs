using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Net.WebSockets;
using System.Text;
using Newtonsoft.Json.Linq;

namespace PonyCloud.Sparkle.Tests.Api.Watching;

/// <summary>Why a stream ended, as the client is told.</summary>
public sealed record StreamEnd(int Code, string Kind);

/// <summary>A client of the stream, whichever way it comes.</summary>
public abstract class WatchClient : IAsyncDisposable
{
    /// <summary>Reached only by a test that fails.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Set when <see cref="NextAsync"/> answered null.</summary>
    public StreamEnd? End { get; protected set; }

    /// <summary>The next message; null when the stream has ended.</summary>
    public abstract Task<JObject?> NextAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>The next message that changes something.</summary>
    public async Task<JObject> ChangeAsync()
    {
        while (true)
        {
            var message = await NextAsync() ?? throw new InvalidOperationException($"The stream ended: {End}");
            if (message["changes"]!.Any())
                return message;
        }
    }

    /// <summary>Reads to the end.</summary>
    public async Task<StreamEnd> EndAsync()
    {
        while (await NextAsync() is not null)
        {
        }
        return End!;
    }
}

public sealed class SocketClient : WatchClient
{
    private readonly byte[] _buffer = new byte[64 * 1024];

    public ClientWebSocket Socket { get; } = new();

    public static async Task<SocketClient> ConnectAsync(Uri address, string? token, string query = "", params string[] protocols)
    {
        var client = new SocketClient();
        if (token is not null)
            client.Socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        foreach (var protocol in protocols)
            client.Socket.Options.AddSubProtocol(protocol);
        client.Socket.Options.CollectHttpResponseDetails = true;
        using var limit = new CancellationTokenSource(Patience);
        await client.Socket.ConnectAsync(new Uri($"ws://{address.Authority}/api/v1/watch{query}"), limit.Token);
        return client;
    }

    public override async Task<JObject?> NextAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        var text = new MemoryStream();
        while (true)
        {
            var part = await Socket.ReceiveAsync(_buffer, limit.Token);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                End = new StreamEnd((int)part.CloseStatus!.Value, part.CloseStatusDescription!.Split(':')[0]);
                await Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
                return null;
            }
            text.Write(_buffer, 0, part.Count);
            if (part.EndOfMessage)
                return JObject.Parse(Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length));
        }
    }

    public override ValueTask DisposeAsync()
    {
        Socket.Dispose();
        return ValueTask.CompletedTask;
    }
}

public sealed class EventClient : WatchClient
{
    private readonly HttpResponseMessage _response;
    private readonly IAsyncEnumerator<SseItem<string>> _events;

    private EventClient(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        _events = SseParser.Create(stream).EnumerateAsync().GetAsyncEnumerator();
    }

    public static async Task<EventClient> ConnectAsync(HttpClient http, string token, string query = "", string? lastEventId = null)
    {
        using var request = Request(token, query);
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        return new EventClient(response, await response.Content.ReadAsStreamAsync());
    }

    public static HttpRequestMessage Request(string token, string query)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/watch" + query);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        return request;
    }

    public override async Task<JObject?> NextAsync()
    {
        if (!await _events.MoveNextAsync().AsTask().WaitAsync(Patience))
            return null;
        var data = JObject.Parse(_events.Current.Data);
        if (_events.Current.EventType != "error")
            return data;
        End = new StreamEnd(data.Value<int>("status"), data.Value<string>("type")!.Split(':')[^1]);
        return null;
    }

    public override async ValueTask DisposeAsync()
    {
        _response.Dispose();
        await _events.DisposeAsync();
    }
}
