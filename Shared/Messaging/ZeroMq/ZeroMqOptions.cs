using System.Security.Cryptography;
using System.Text;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>What a socket does with its endpoint.</summary>
public enum ZeroMqRole
{
    /// <summary>Listens; its routing id is well known.</summary>
    Bind,

    /// <summary>Connects, and connects again by itself; its routing id is new at every start.</summary>
    Connect,
}

/// <summary>How messages are encrypted and the server proves that it is the right one (rfc.zeromq.org/spec/26).</summary>
public abstract record ZeroMqCurve
{
    private ZeroMqCurve()
    {
    }

    /// <summary>For the side that binds. Of the clients that know the public key, those get in that the gate admits.</summary>
    public sealed record Server(CurveKeys Keys) : ZeroMqCurve;

    /// <summary>For the side that connects.</summary>
    public sealed record Client(CurveKeys Keys, string ServerPublicKey) : ZeroMqCurve;
}

/// <summary>One ROUTER socket. The defaults are those of the platform; see the README of this folder for why.</summary>
public sealed record ZeroMqOptions
{
    public required ZeroMqRole Role { get; init; }

    /// <summary>As libzmq writes it, such as <c>tcp://127.0.0.1:9850</c>; a port <c>*</c> binds to any free one.</summary>
    public required string Endpoint { get; init; }

    /// <summary>The id under which peers know this socket: 1 to 255 characters of Latin-1, the first not NUL.</summary>
    public required string RoutingId { get; init; }

    /// <summary>Messages per peer that wait to be sent; past it, sends to that peer fail with <see cref="Undelivered.QueueFull"/>.</summary>
    public int SendHighWaterMark { get; init; } = 1000;

    /// <summary>Messages per peer that wait to be read; past it, the peer is held back.</summary>
    public int ReceiveHighWaterMark { get; init; } = 1000;

    /// <summary>Bytes; a peer that sends a longer frame is disconnected.</summary>
    public long MaxMessageSize { get; init; } = 16 * 1024 * 1024;

    /// <summary>How often the side that connects asks the other for a sign of life (ZMTP heartbeat).</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the side that binds may take to give it before the connection counts as gone.</summary>
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a new connection may take to say who it is.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The first pause before connecting again; it doubles up to <see cref="ReconnectIntervalMax"/>.</summary>
    public TimeSpan ReconnectInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan ReconnectIntervalMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A second connection with a known routing id takes the place of the first. Without it, the second is never heard: see
    /// the README of this folder.
    /// </summary>
    public bool Handover { get; init; } = true;

    /// <summary>Null sends in clear text.</summary>
    public ZeroMqCurve? Curve { get; init; }

    /// <summary>Which clients get in, where <see cref="Curve"/> has them prove who they are.</summary>
    public IPeerGate Gate { get; init; } = new OpenGate();

    /// <summary>Bytes; a longer message of a peer that the gate does not know is dropped before it takes memory here.</summary>
    public int MaxStrangerMessageSize { get; init; } = 64 * 1024;

    /// <summary>While more connections than this are open, peers that the gate does not know are refused: the rest is for the others.</summary>
    public int ConnectionsForStrangers { get; init; } = 10_000;

    /// <summary>Messages of all peers that wait in <see cref="IMessageTransport.Events"/>.</summary>
    public int EventCapacity { get; init; } = 4096;

    /// <summary>
    /// Bytes of all messages that wait in <see cref="IMessageTransport.Events"/>; while there are as many, nothing more is
    /// read. One message may exceed it.
    /// </summary>
    public long EventByteBudget { get; init; } = 64 * 1024 * 1024;

    /// <summary>Messages to all peers that <see cref="IMessageTransport.TrySend"/> takes before the socket has taken them.</summary>
    public int OutgoingCapacity { get; init; } = 4096;

    /// <summary>The side that listens, such as the controller.</summary>
    public static ZeroMqOptions Server(string endpoint, string routingId) =>
        new() { Role = ZeroMqRole.Bind, Endpoint = endpoint, RoutingId = routingId };

    /// <summary>The side that connects, with a routing id that no other start of any peer had.</summary>
    public static ZeroMqOptions Client(string endpoint) =>
        new() { Role = ZeroMqRole.Connect, Endpoint = endpoint, RoutingId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)) };

    /// <exception cref="ArgumentException">A value is outside what libzmq takes.</exception>
    internal void Check()
    {
        Require(Endpoint.Length > 0, nameof(Endpoint), "an endpoint");
        Require(
            RoutingId.Length is > 0 and <= 255 && RoutingId[0] != '\0' && RoutingId.All(unit => unit <= 255),
            nameof(RoutingId), "1 to 255 characters of Latin-1, the first not NUL");
        Require(SendHighWaterMark > 0, nameof(SendHighWaterMark), "above 0: 0 would mean no limit");
        Require(ReceiveHighWaterMark > 0, nameof(ReceiveHighWaterMark), "above 0: 0 would mean no limit");
        Require(MaxMessageSize > 0, nameof(MaxMessageSize), "above 0");
        Require(HeartbeatInterval > TimeSpan.Zero, nameof(HeartbeatInterval), "above 0");
        Require(HeartbeatTimeout > TimeSpan.Zero && HeartbeatTimeout < TimeSpan.FromHours(1), nameof(HeartbeatTimeout), "above 0 and below an hour");
        Require(HandshakeTimeout > TimeSpan.Zero, nameof(HandshakeTimeout), "above 0");
        Require(ReconnectInterval > TimeSpan.Zero, nameof(ReconnectInterval), "above 0");
        Require(ReconnectIntervalMax >= ReconnectInterval, nameof(ReconnectIntervalMax), "at least the first interval");
        Require(EventCapacity > 0, nameof(EventCapacity), "above 0");
        Require(EventByteBudget > 0, nameof(EventByteBudget), "above 0");
        Require(MaxStrangerMessageSize >= 0, nameof(MaxStrangerMessageSize), "0 or above");
        Require(ConnectionsForStrangers >= 0, nameof(ConnectionsForStrangers), "0 or above");
        Require(OutgoingCapacity > 0, nameof(OutgoingCapacity), "above 0");
        Require(Curve is not ZeroMqCurve.Server || Role == ZeroMqRole.Bind, nameof(Curve), "server keys on the side that binds");
        Require(Curve is not ZeroMqCurve.Client || Role == ZeroMqRole.Connect, nameof(Curve), "client keys on the side that connects");
        if (Curve is ZeroMqCurve.Client client)
            Require(CurveKeys.IsKey(client.ServerPublicKey), nameof(Curve), "a server public key of 40 characters of Z85");

        static void Require(bool holds, string name, string what)
        {
            if (!holds)
                throw new ArgumentException($"{name} must be {what}.");
        }
    }

    internal byte[] RoutingIdBytes() => Encoding.Latin1.GetBytes(RoutingId);
}
