using System.Net.WebSockets;
using System.Text;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>One WebSocket and the stream that it shows at the moment: bytes of the console are binary, words of the platform are texts.</summary>
/// <param name="first">What is shown first: what is typed before that is begun is not lost.</param>
internal sealed class ConsoleSession(WebSocket socket, Stream first)
{
    private const int BufferSize = 16 << 10;

    // What a client may close with has room for 123 bytes.
    private const int ReasonMax = 123;

    private volatile Stream? _shown = first;

    /// <summary>
    /// Takes what the client sends, to the stream that is shown; what comes while there is none is lost, as on a line without
    /// anybody at its other end.
    /// </summary>
    /// <param name="ended">Called once, when nothing comes any more.</param>
    /// <param name="cancellationToken">Cuts the connection.</param>
    public async Task ListenAsync(Func<Task> ended, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken) is { MessageType: not WebSocketMessageType.Close } received)
                await TypeAsync(buffer.AsMemory(0, received.Count), cancellationToken);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // It is gone without a word: the same as a close, of which nobody can be told.
            socket.Abort();
        }
        finally
        {
            await ended();
        }
    }

    /// <summary>Shows a stream until it ends.</summary>
    public async Task ShowAsync(Stream stream, CancellationToken cancellationToken)
    {
        _shown = stream;
        try
        {
            var buffer = new byte[BufferSize];
            while (await ReadAsync(stream, buffer, cancellationToken) is var count and > 0)
                await SendAsync(buffer.AsMemory(0, count), WebSocketMessageType.Binary, cancellationToken);
        }
        finally
        {
            _shown = null;
        }
    }

    /// <summary>Says something that is not of the guest.</summary>
    public Task TellAsync(string text, CancellationToken cancellationToken) =>
        SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, cancellationToken);

    public async Task EndAsync(ConsoleEnd end, CancellationToken cancellationToken)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
            return;
        try
        {
            var reason = end.Reason.Length <= ReasonMax ? end.Reason : end.Reason[..ReasonMax];
            await socket.CloseOutputAsync(end.Status, reason, cancellationToken);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client does not take even that.
            socket.Abort();
        }
    }

    /// <summary>A host that breaks off ends the stream like one that closes it.</summary>
    private static async Task<int> ReadAsync(Stream stream, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private async Task TypeAsync(ReadOnlyMemory<byte> typed, CancellationToken cancellationToken)
    {
        if (_shown is not { } stream)
            return;
        try
        {
            await stream.WriteAsync(typed, cancellationToken);
            await stream.FlushAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // It has just ended, which its reader finds out.
            _shown = null;
        }
    }

    /// <summary>Only one of its callers works at a time.</summary>
    private Task SendAsync(ReadOnlyMemory<byte> bytes, WebSocketMessageType type, CancellationToken cancellationToken) =>
        socket.SendAsync(bytes, type, endOfMessage: true, cancellationToken).AsTask();
}
