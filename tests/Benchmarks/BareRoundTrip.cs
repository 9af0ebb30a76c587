using System.Diagnostics;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Benchmarks;

/// <summary>Two ROUTER sockets and nothing else: one thread sends bytes back as they come.</summary>
internal sealed class BareRoundTrip : IDisposable
{
    private const int PollMilliseconds = 100;

    private readonly RouterSocket _server = new(ZeroMqOptions.Server("tcp://127.0.0.1:*", "bare"));
    private readonly RouterSocket _client;
    private readonly PeerId _serverId = new("bare");
    private readonly Thread _echo;
    private readonly byte[] _body;
    private volatile bool _ending;

    public BareRoundTrip(int length)
    {
        _body = new byte[length];
        _client = new RouterSocket(ZeroMqOptions.Client(_server.LastEndpoint));
        _echo = new Thread(Echo) { IsBackground = true };
        _echo.Start();
        while (_client.Send(_serverId, _body) != SendOutcome.Sent)
            Thread.Yield(); // Until the connection is there.
        Await(_client, out _, out _);
    }

    /// <summary>Microseconds of each round trip.</summary>
    public double[] Measure(int count)
    {
        var times = new double[count];
        for (var i = 0; i < count; i++)
        {
            var start = Stopwatch.GetTimestamp();
            _client.Send(_serverId, _body);
            Await(_client, out _, out _);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }
        return times;
    }

    public void Dispose()
    {
        _ending = true;
        _echo.Join();
        _client.Close();
        _server.Close();
    }

    private void Echo()
    {
        while (!_ending)
        {
            if (Await(_server, out var peer, out var body))
                _server.Send(peer, body);
        }
    }

    private static unsafe bool Await(RouterSocket socket, out PeerId peer, out byte[] body)
    {
        while (socket.Receive(out peer, out body) != ReceiveOutcome.Received)
        {
            var item = new Native.PollItem { Socket = socket.Handle, Events = Native.PollIn };
            if (Native.zmq_poll(&item, 1, PollMilliseconds) == 0)
                return false;
        }
        return true;
    }
}
