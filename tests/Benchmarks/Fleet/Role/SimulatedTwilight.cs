using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Shared.Replication;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>
/// The real link of a Twilight over a socket of its own, without a host below it: what it reports is made up, what it is
/// sent it only takes note of.
/// </summary>
internal sealed class SimulatedTwilight : IFleetPeer
{
    // A quiet host reports its free memory about once a minute.
    private static readonly TimeSpan Sampling = TimeSpan.FromMinutes(1);

    private readonly FleetShape _shape;
    private readonly int _host;
    private readonly FleetCounters _counters;
    private readonly SparkleLink _link;
    private readonly MessageCodec _codec;
    private readonly Queue<byte[]> _unsent = new();
    private readonly TimeSpan _startAt;
    private TimeSpan _sampleAt;
    private long _version;
    private long _samples;
    private (int Vcpu, Countdown Reached)? _expected;
    private bool _started;
    private int _flooded;
    private bool _waitsForAcknowledgement;

    public SimulatedTwilight(
        FleetShape shape, EntityCatalog catalog, int host, ZeroMqOptions options, SocketContext context, TimeSpan keepAlive, TimeSpan startAt,
        FleetCounters counters)
    {
        _shape = shape;
        _host = host;
        _counters = counters;
        _startAt = startAt;
        _sampleAt = startAt + Sampling;
        _codec = new MessageCodec(catalog);
        _link = new SparkleLink(catalog, FleetShape.Host(host), new SystemEntropy(), keepAlive);
        Socket = new RouterSocket(options, NullLogger.Instance, TimeProvider.System, context);
    }

    public RouterSocket Socket { get; }

    /// <summary>Called with the host's number when its desired rows changed.</summary>
    public Action<int>? DesiredChanged { get; set; }

    /// <summary>Waits until the first instance is to have so many vCPUs.</summary>
    public void Expect(int vcpu, Countdown reached)
    {
        _expected = (vcpu, reached);
        LookAtDesired();
    }

    /// <summary>One of so many updates of one row, sent as fast as Sparkle takes them.</summary>
    /// <returns>Whether there are more.</returns>
    public bool Flood(int count)
    {
        var now = PeerGroup.Now;
        while (_unsent.TryPeek(out var first))
        {
            if (Socket.Send(PeerId.Sparkle, first) != SendOutcome.Sent)
                return true;
            _counters.Sent(first.Length);
            _unsent.Dequeue();
        }
        // Another change now would be told together with the one that waits.
        if (_waitsForAcknowledgement)
            return true;
        if (_flooded == count)
        {
            _flooded = 0;
            return false;
        }
        _flooded++;
        var messages = _link.CurrentChanged([_shape.Domain(_host, _flooded % FleetShape.Places, 4096 + _flooded)], now);
        _waitsForAcknowledgement = messages.Count == 0;
        foreach (var message in messages)
        {
            var body = _codec.Encode(message);
            if (Socket.Send(PeerId.Sparkle, body) == SendOutcome.Sent)
                _counters.Sent(body.Length);
            else
                _unsent.Enqueue(body);
        }
        return true;
    }

    public void Receive(ReadOnlySpan<byte> body, TimeSpan now)
    {
        _counters.Received(body.Length);
        _waitsForAcknowledgement = false;
        Send(_link.Receive(body, now), now);
        if (_link.DesiredVersion == _version)
            return;
        _version = _link.DesiredVersion;
        DesiredChanged?.Invoke(_host);
        LookAtDesired();
    }

    public void Tick(TimeSpan now)
    {
        if (!_started)
        {
            if (now < _startAt)
                return;
            _started = true;
            Send(_link.CurrentChanged(_shape.Current(_host), now), now);
        }
        if (now >= _sampleAt)
        {
            _sampleAt += Sampling;
            Send(_link.CurrentChanged([_shape.HostRow(_host, ++_samples * 64)], now), now);
        }
        if (_unsent.Count == 0)
            Send(_link.Tick(now), now);
    }

    private void Send(IReadOnlyList<Message> messages, TimeSpan now)
    {
        foreach (var message in messages)
        {
            var body = _codec.Encode(message);
            if (_unsent.Count > 0)
            {
                _unsent.Enqueue(body);
            }
            else if (Socket.Send(PeerId.Sparkle, body) == SendOutcome.Sent)
            {
                _counters.Sent(body.Length);
            }
            else
            {
                _counters.Undelivered();
                _link.Undelivered(now);
            }
        }
    }

    private void LookAtDesired()
    {
        if (_expected is not var (vcpu, reached) || !_link.IsDesiredKnown || _shape.Vcpu(_link.Replica, _host) != vcpu)
            return;
        _expected = null;
        reached.Signal();
    }
}
