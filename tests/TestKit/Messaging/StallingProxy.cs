using System.Net;
using System.Net.Sockets;

namespace PonyCloud.TestKit.Messaging;

/// <summary>Which way bytes go through a proxy.</summary>
public enum Direction
{
    ToServer,
    ToClient,
}

/// <summary>
/// A TCP proxy on the loopback interface that lets so many bytes through and then holds everything: a long message is
/// caught in its middle, whatever the pace of the machine.
/// </summary>
public sealed class StallingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new();
    private readonly List<Task> _passing = [];
    private readonly int _target;
    private readonly Task _accepting;
    private Stall? _stall;

    /// <param name="target">Port of the server.</param>
    public StallingProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Holds all connections once so many more bytes have gone one way.</summary>
    /// <returns>Completes when they are held.</returns>
    public Task StallAfter(Direction direction, long bytes)
    {
        lock (_lock)
        {
            _stall = new Stall(direction, bytes);
            return _stall.Reached.Task;
        }
    }

    /// <summary>Lets everything through again.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _stall?.Released.TrySetResult();
            _stall = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_passing);
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_ending.Token);
                _passing.Add(PassAsync(client));
            }
        }
        catch (Exception e) when (_ending.IsCancellationRequested && (e is OperationCanceledException or SocketException or ObjectDisposedException))
        {
            // Disposed.
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        using (var end = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token))
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, end.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                return; // The server is away, and the client sees its connection end.
            }

            var there = PassAsync(client, server, Direction.ToServer, end.Token);
            var back = PassAsync(server, client, Direction.ToClient, end.Token);
            await Task.WhenAny(there, back);
            await end.CancelAsync();
            await Task.WhenAll(there, back);
        }
    }

    private async Task PassAsync(TcpClient from, TcpClient to, Direction direction, CancellationToken end)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.GetStream().ReadAsync(buffer, end) is var count and > 0)
            {
                await Take(direction, count).WaitAsync(end);
                await to.GetStream().WriteAsync(buffer.AsMemory(0, count), end);
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            // An end is gone, which ends both directions.
        }
    }

    /// <summary>Completes when the bytes may pass.</summary>
    private Task Take(Direction direction, int count)
    {
        lock (_lock)
        {
            if (_stall is not { } stall)
                return Task.CompletedTask;
            if (stall.Direction == direction)
                stall.Left -= count;
            if (stall.Left >= 0)
                return Task.CompletedTask;
            stall.Reached.TrySetResult();
            return stall.Released.Task;
        }
    }

    private sealed class Stall(Direction direction, long bytes)
    {
        public Direction Direction { get; } = direction;

        public long Left { get; set; } = bytes;

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
