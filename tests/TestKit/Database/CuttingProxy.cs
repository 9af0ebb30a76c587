using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace PonyCloud.TestKit.Database;

/// <summary>
/// Stands between a client and a PostgreSQL socket, and cuts one connection at the moment when the client sends a certain
/// text, with or without passing it on, or lets it hang from there on.
/// </summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly string _target;
    private readonly Task _accepting;
    private Cut? _cut;
    private int _cuts;

    public CuttingProxy(string target)
    {
        _target = target;
        Directory = System.IO.Directory.CreateTempSubdirectory("pgp").FullName;
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(Directory, ".s.PGSQL.5432")));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    /// <summary>Where the proxy's socket is.</summary>
    public string Directory { get; }

    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>Cuts the next connection over which the client sends the text.</summary>
    /// <param name="deliver">The server gets it, and the answer is lost; otherwise the text itself is lost.</param>
    public void CutAt(string text, bool deliver) => Volatile.Write(ref _cut, new Cut(Encoding.ASCII.GetBytes(text), deliver, Hangs: false));

    /// <summary>Passes nothing more on of the next connection over which the client sends the text; it stays open, and silent.</summary>
    public void HangAt(string text) => Volatile.Write(ref _cut, new Cut(Encoding.ASCII.GetBytes(text), Deliver: false, Hangs: true));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(CarryAsync(await _listener.AcceptAsync(_stop.Token)));
        }
        catch (Exception e) when (_stop.IsCancellationRequested && e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The proxy is being disposed of.
        }
    }

    private async Task CarryAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (client)
        using (var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
        {
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_target), _stop.Token);
            var there = PumpAsync(client, server, isFromClient: true, end.Token);
            var back = PumpAsync(server, client, isFromClient: false, end.Token);
            await Task.WhenAny(there, back);
            await end.CancelAsync();
            await Task.WhenAll(there, back);
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool isFromClient, CancellationToken end)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, end) is var count and > 0)
            {
                if (isFromClient && Volatile.Read(ref _cut) is { } cut && buffer.AsSpan(0, count).IndexOf(cut.Text) >= 0)
                {
                    Volatile.Write(ref _cut, null);
                    Interlocked.Increment(ref _cuts);
                    if (cut.Hangs)
                        await new TaskCompletionSource().Task.WaitAsync(end);
                    // The answer must not get through: the client's side goes first.
                    from.Close();
                    if (cut.Deliver)
                        await to.SendAsync(buffer.AsMemory(0, count), CancellationToken.None);
                    return;
                }
                await to.SendAsync(buffer.AsMemory(0, count), end);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Either side went away, which ends both.
        }
    }

    private sealed record Cut(byte[] Text, bool Deliver, bool Hangs);
}
