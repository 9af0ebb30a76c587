using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>
/// What a Twilight sends, as bytes and nothing more: a state until it is answered once, then keep-alives. The other end
/// is <see cref="RawServerRole"/>.
/// </summary>
internal sealed class RawPeer : IFleetPeer
{
    public const byte State = (byte)'S';
    public const byte Flooding = (byte)'F';

    // A connection that broke took the state or its answer along.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly byte[] _state;
    private readonly byte[] _keepAlive;
    private readonly TimeSpan _interval;
    private TimeSpan _stateAt;
    private TimeSpan _keepAliveAt;
    private Countdown? _answered;
    private int _flooded;

    public RawPeer(ZeroMqOptions options, SocketContext context, int stateBytes, byte[] keepAlive, TimeSpan interval)
    {
        _state = new byte[stateBytes];
        _state[0] = State;
        _keepAlive = keepAlive;
        _interval = interval;
        Socket = new RouterSocket(options, NullLogger.Instance, TimeProvider.System, context);
    }

    public RouterSocket Socket { get; }

    /// <summary>Sends the state, from this time on, until it is answered.</summary>
    public void Exchange(TimeSpan at, Countdown answered)
    {
        _stateAt = at;
        _answered = answered;
    }

    /// <summary>One of so many messages, sent as fast as the other end takes them.</summary>
    /// <returns>Whether there are more.</returns>
    public bool Flood(int count, byte[] body)
    {
        if (_flooded < count && Socket.Send(PeerId.Sparkle, body) == SendOutcome.Sent)
            _flooded++;
        if (_flooded < count)
            return true;
        _flooded = 0;
        return false;
    }

    public void Receive(ReadOnlySpan<byte> body, TimeSpan now)
    {
        if (body[0] != State || _answered is not { } answered)
            return;
        _answered = null;
        answered.Signal();
    }

    public void Tick(TimeSpan now)
    {
        if (_answered is not null)
        {
            if (now >= _stateAt && Socket.Send(PeerId.Sparkle, _state) == SendOutcome.Sent)
                _stateAt = now + Patience;
            _keepAliveAt = now + _interval;
        }
        else if (now >= _keepAliveAt)
        {
            _keepAliveAt = now + _interval;
            Socket.Send(PeerId.Sparkle, _keepAlive);
        }
    }
}
