using System.Net.WebSockets;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>Change sets as texts of a WebSocket (RFC 6455).</summary>
internal sealed class SocketTransport(WebSocket socket) : IWatchTransport
{
    public ValueTask SendAsync(WatchMessage message, bool more, CancellationToken cancellation) =>
        socket.SendAsync(message.Json, WebSocketMessageType.Text, endOfMessage: true, cancellation);

    public async Task EndAsync(WatchEnd end, CancellationToken cancellation)
    {
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            await socket.CloseOutputAsync(end.Status, end.CloseReason, cancellation);
    }

    /// <summary>
    /// Takes what comes from the client until it closes, or until it has had its time to. Nothing but that is expected:
    /// other data ends the stream and is thrown away, since a connection with unread data is reset, and the reason of the
    /// end would be lost.
    /// </summary>
    public async Task ListenAsync(Action<WatchEnd> end, CancellationToken cancellation)
    {
        var scrap = new byte[1024];
        try
        {
            while (await socket.ReceiveAsync(scrap.AsMemory(), cancellation) is { MessageType: not WebSocketMessageType.Close })
                end(WatchEnd.Spoke);
        }
        finally
        {
            end(WatchEnd.Left);
        }
    }
}
