using System.Net.WebSockets;
using System.Text;

namespace PonyCloud.Pony.Consoles;

/// <summary>One WebSocket to a console, until it ends.</summary>
internal sealed class ConsoleConnection(ClientWebSocket socket, ConsoleInput input, Stream output, Action<string> tell, TimeProvider time)
{
    private const int BufferSize = 16 << 10;
    private const int Gone = 4410;

    /// <summary>After the end of a file or pipe the guest has so long to say more.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private long _lastSeen = time.GetTimestamp();

    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<ConsoleEnd> RunAsync(CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var showing = ShowAsync(ending.Token);
        var typing = TypeAsync(ending.Token);
        var first = await Task.WhenAny(showing, typing, input.Detached);
        if (first == showing)
        {
            await ending.CancelAsync();
            await typing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return await showing;
        }
        cancellation.ThrowIfCancellationRequested();
        if (first == typing && typing.IsFaulted)
        {
            await ending.CancelAsync();
            await ((Task)showing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return new ConsoleEnd(ConsoleEndKind.Broken);
        }
        await CloseAsync(cancellation);
        await ending.CancelAsync();
        await ((Task)showing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return new ConsoleEnd(ConsoleEndKind.Detached);
    }

    private async Task<ConsoleEnd> ShowAsync(CancellationToken cancellation)
    {
        var buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer, cancellation);
                if (received.MessageType == WebSocketMessageType.Close)
                    return Ended();
                Volatile.Write(ref _lastSeen, time.GetTimestamp());
                if (received.MessageType == WebSocketMessageType.Text)
                    tell(Encoding.UTF8.GetString(buffer, 0, received.Count));
                else
                    await output.WriteAsync(buffer.AsMemory(0, received.Count), cancellation);
                await output.FlushAsync(cancellation);
            }
        }
        catch (WebSocketException)
        {
            return new ConsoleEnd(ConsoleEndKind.Broken);
        }
    }

    private ConsoleEnd Ended() => new(
        (int?)socket.CloseStatus switch
        {
            Gone => ConsoleEndKind.Gone,
            (int)WebSocketCloseStatus.PolicyViolation => ConsoleEndKind.Forbidden,
            _ => ConsoleEndKind.Broken,
        },
        socket.CloseStatusDescription ?? "");

    private async Task TypeAsync(CancellationToken cancellation)
    {
        await foreach (var part in input.Parts.ReadAllAsync(cancellation))
            await socket.SendAsync(part, WebSocketMessageType.Binary, endOfMessage: true, cancellation);
        TimeSpan quiet;
        while ((quiet = time.GetElapsedTime(Volatile.Read(ref _lastSeen))) < Quiet)
            await Task.Delay(Quiet - quiet, time, cancellation);
    }

    private async Task CloseAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Farewell);
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // It ends all the same.
            socket.Abort();
        }
    }
}
