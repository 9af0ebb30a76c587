using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Benchmarks;

/// <summary>Two ROUTER sockets that speak CURVE and nothing else: one thread sends bytes back as they come.</summary>
internal sealed class BareRoundTrip : IDisposable
{
    private const int PollMilliseconds = 100;

    private readonly RouterSocket _server;
    private readonly RouterSocket _client;
    private readonly PeerId _serverId = new("bare");
    private readonly Thread _echo;
    private readonly byte[] _body;
    private volatile bool _ending;

    public BareRoundTrip(int length)
    {
        _body = new byte[length];
        var keys = CurveKeys.Generate();
        _server = Open(ZeroMqOptions.Server("tcp://127.0.0.1:*", "bare") with { Curve = new ZeroMqCurve.Server(keys) });
        _client = Open(ZeroMqOptions.Client(_server.LastEndpoint) with { Curve = new ZeroMqCurve.Client(CurveKeys.Generate(), keys.PublicKey) });
        _echo = new Thread(Echo) { IsBackground = true };
        _echo.Start();
        while (_client.Send(_serverId, _body) != SendOutcome.Sent)
            Thread.Yield(); // Until the connection is there.
        Await(_client);
    }

    /// <summary>Microseconds of each round trip.</summary>
    public double[] Measure(int count)
    {
        var times = new double[count];
        for (var i = 0; i < count; i++)
        {
            var start = Stopwatch.GetTimestamp();
            _client.Send(_serverId, _body);
            Await(_client);
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

    private static RouterSocket Open(ZeroMqOptions options) => new(options, NullLogger.Instance, TimeProvider.System);

    private void Echo()
    {
        while (!_ending)
        {
            // The client waits at the door in the beginning only.
            _server.Doorkeeper!.Attend(1);
            if (Await(_server) is { } message)
                _server.Send(message.Peer, message.Body.Span);
        }
    }

    private static unsafe TransportEvent.Received? Await(RouterSocket socket)
    {
        TransportEvent.Received? message;
        while (socket.Receive(out message) != ReceiveOutcome.Received)
        {
            var item = new Native.PollItem { Socket = socket.Handle, Events = Native.PollIn };
            if (Native.zmq_poll(&item, 1, PollMilliseconds) == 0)
                return null;
        }
        return message;
    }
}
