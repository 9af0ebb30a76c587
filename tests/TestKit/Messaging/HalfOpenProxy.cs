using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace PonyCloud.TestKit.Messaging;

/// <summary>
/// A TCP proxy on the loopback interface that can cut connections like a broken network does: the client notices, the
/// server does not.
/// </summary>
public sealed class HalfOpenProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new();
    private readonly List<Link> _links = [];
    private readonly Channel<int> _opened = Channel.CreateUnbounded<int>();
    private readonly Channel<int> _closed = Channel.CreateUnbounded<int>();
    private readonly int _target;
    private readonly Task _accepting;

    /// <param name="target">Port of the server.</param>
    public HalfOpenProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The number of each connection, from 1, once it reaches the server.</summary>
    public ChannelReader<int> Opened => _opened.Reader;

    /// <summary>The number of each connection that one of its ends closed.</summary>
    public ChannelReader<int> Closed => _closed.Reader;

    /// <summary>Cuts all connections: clients see them close, and for the server they stay open and silent.</summary>
    public void CutClients()
    {
        lock (_lock)
        {
            foreach (var link in _links)
            {
                link.IsCut = true;
                link.Client.Close();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        await _accepting;
        Task[] passing;
        lock (_lock)
        {
            _links.ForEach(link => link.Close());
            passing = [.. _links.Select(link => link.Passing)];
        }

        await Task.WhenAll(passing);
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            for (var number = 1; ; number++)
            {
                var client = await _listener.AcceptTcpClientAsync(_ending.Token);
                var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, _target, _ending.Token);
                var link = new Link(client, server);
                lock (_lock)
                {
                    _links.Add(link);
                    link.Passing = PassAsync(link, number);
                }

                _opened.Writer.TryWrite(number);
            }
        }
        catch (Exception e) when (_ending.IsCancellationRequested && (e is OperationCanceledException or SocketException or ObjectDisposedException))
        {
            // Disposed.
        }
    }

    private async Task PassAsync(Link link, int number)
    {
        await Task.WhenAll(PassAsync(link, link.Client, link.Server), PassAsync(link, link.Server, link.Client));
        _closed.Writer.TryWrite(number);
    }

    private async Task PassAsync(Link link, TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream(), _ending.Token);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            // An end is gone, perhaps since before its stream was asked for, which is all that there is to know.
        }

        if (!link.IsCut)
        {
            link.Close();
        }
    }

    private sealed class Link(TcpClient client, TcpClient server)
    {
        public TcpClient Client { get; } = client;

        public TcpClient Server { get; } = server;

        public volatile bool IsCut;

        public Task Passing { get; set; } = Task.CompletedTask;

        public void Close()
        {
            Client.Close();
            Server.Close();
        }
    }
}
