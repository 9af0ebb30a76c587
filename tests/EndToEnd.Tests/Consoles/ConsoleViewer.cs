using System.Net.WebSockets;
using System.Text;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Consoles;

/// <summary>A console as a client of the API has it. What comes is kept, and read as a stream of bytes.</summary>
internal sealed class ConsoleViewer : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private readonly List<byte> _seen = [];
    private readonly List<string> _told = [];
    private Task _listening = Task.CompletedTask;

    /// <summary>What the guest wrote.</summary>
    public string Seen
    {
        get
        {
            lock (_gate)
                return Encoding.Latin1.GetString([.. _seen]);
        }
    }

    /// <summary>What the platform said.</summary>
    public string Told
    {
        get
        {
            lock (_gate)
                return string.Join('\n', _told);
        }
    }

    /// <summary>How it was closed; null while it is open.</summary>
    public int? CloseStatus => (int?)_socket.CloseStatus;

    /// <summary>Asks for a ticket.</summary>
    /// <returns>The path of the WebSocket.</returns>
    public static async Task<string> TicketAsync(ApiClient client, RunningInstance instance, string type) =>
        (await client.PostAsync(instance.Path + "/console", new { type })).Body["path"]!.ToString();

    public static async Task<ConsoleViewer> OpenAsync(int port, string path)
    {
        var viewer = new ConsoleViewer();
        viewer._socket.Options.AddSubProtocol("binary");
        try
        {
            await viewer._socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}{path}"), CancellationToken.None).WaitAsync(Eventually.Patience);
        }
        catch
        {
            await viewer.DisposeAsync();
            throw;
        }
        viewer._listening = viewer.ListenAsync();
        return viewer;
    }

    public async Task SendAsync(params byte[] bytes) =>
        await _socket.SendAsync(bytes, WebSocketMessageType.Binary, true, CancellationToken.None).WaitAsync(Eventually.Patience);

    /// <summary>Takes so many bytes from the front of what was seen, as soon as they are there.</summary>
    public async Task<byte[]> TakeAsync(int count)
    {
        await Eventually.HoldsAsync($"{count} bytes of the console", () => Seen.Length >= count);
        lock (_gate)
        {
            var taken = _seen[..count].ToArray();
            _seen.RemoveRange(0, count);
            return taken;
        }
    }

    public Task SeesAsync(string text) => Eventually.HoldsAsync($"the console to show {text}", () => Seen.Contains(text, StringComparison.Ordinal));

    public Task IsToldAsync(string text) => Eventually.HoldsAsync($"the viewer to be told {text}", () => Told.Contains(text, StringComparison.Ordinal));

    public async Task IsClosedAsync(int status)
    {
        await Eventually.HoldsAsync("the console to be closed", () => CloseStatus is not null);
        Assert.That(CloseStatus, Is.EqualTo(status), _socket.CloseStatusDescription);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
        _closing.Dispose();
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[1 << 16];
        while (await _socket.ReceiveAsync(buffer, _closing.Token) is { MessageType: not WebSocketMessageType.Close } received)
        {
            lock (_gate)
            {
                if (received.MessageType == WebSocketMessageType.Text)
                    _told.Add(Encoding.UTF8.GetString(buffer, 0, received.Count));
                else
                    _seen.AddRange(buffer.AsSpan(0, received.Count));
            }
        }
        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _closing.Token);
    }
}
