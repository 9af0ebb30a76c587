using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>What became of a message at the socket.</summary>
internal enum SendOutcome
{
    Sent,
    QueueFull,
    Unreachable,

    /// <summary>The context was terminated.</summary>
    Closed,
}

/// <summary>What came from the socket.</summary>
internal enum ReceiveOutcome
{
    Received,

    /// <summary>A message without a body.</summary>
    Empty,

    /// <summary>A message that is too large for a stranger; its body was not read.</summary>
    TooLarge,

    /// <summary>There is nothing to read.</summary>
    Nothing,

    /// <summary>The context was terminated.</summary>
    Closed,
}

/// <summary>
/// A ROUTER socket, with a context of its own unless it is given one. Not thread-safe: made by one thread, then used by
/// another only.
/// </summary>
internal sealed unsafe class RouterSocket
{
    // Peers come and go with a new routing id each time; past this many the cache of their texts starts afresh.
    private const int CachedPeers = 10_000;

    // Connections that the kernel holds until libzmq takes them; it may hold fewer (net.core.somaxconn).
    private const int Backlog = 4096;

    // That go without an answer until the connection counts as gone.
    private const int TcpKeepAliveProbes = 3;

    private readonly Dictionary<string, CachedPeer> _peers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CachedPeer>.AlternateLookup<ReadOnlySpan<char>> _peersByChars;
    private readonly ZeroMqOptions _options;
    private readonly SocketContext? _ownContext;
    private readonly NativeSocket? _socket;

    /// <param name="context">Shared with other sockets and ended by whoever made it; null for one that ends with this socket.</param>
    /// <exception cref="ZeroMqException">An option is refused, or the endpoint cannot be bound or connected to.</exception>
    public RouterSocket(ZeroMqOptions options, ILogger log, TimeProvider time, SocketContext? context = null)
    {
        _options = options;
        _peersByChars = _peers.GetAlternateLookup<ReadOnlySpan<char>>();
        context ??= _ownContext = new SocketContext();
        try
        {
            _socket = new NativeSocket(context.Handle, Native.SocketTypeRouter);
            Configure(options);
            // The door is watched before it is opened: a connection that no handler is asked about would be let in.
            if (options.Curve is ZeroMqCurve.Server)
                Doorkeeper = new Doorkeeper(context.Handle, _socket.Handle, options, log, time);
            if (options.Role == ZeroMqRole.Bind)
                _socket.Bind(options.Endpoint);
            else
                _socket.Connect(options.Endpoint);
            LastEndpoint = GetText(Native.OptionLastEndpoint);
        }
        catch
        {
            Close();
            throw;
        }
    }

    /// <summary>The endpoint as bound or connected, with the real port.</summary>
    public string LastEndpoint { get; }

    public nint Handle => _socket!.Handle;

    /// <summary>
    /// Readable when something may have happened. It is quiet again once <see cref="Receive"/> has found nothing, and a send
    /// can make it quiet as well: after either, only <see cref="Receive"/> tells whether a message is there (zmq_getsockopt(3)).
    /// </summary>
    public int File
    {
        get
        {
            int file;
            nuint length = sizeof(int);
            return Native.zmq_getsockopt(Handle, Native.OptionFile, &file, &length) == 0
                ? file
                : throw new ZeroMqException("reading the descriptor of a socket", Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Decides who connects; null where peers are not authenticated.</summary>
    public Doorkeeper? Doorkeeper { get; }

    public SendOutcome Send(PeerId peer, ReadOnlySpan<byte> body)
    {
        var text = peer.Text;
        if (string.IsNullOrEmpty(text) || text.Length > 255 || text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff'))
            return SendOutcome.Unreachable;
        Span<byte> id = stackalloc byte[text.Length];
        Encoding.Latin1.GetBytes(text, id);
        var error = _socket!.Send(id, more: true);
        if (error == Native.TryAgain)
        {
            // While it is sent to, a socket looks only about once a millisecond at what its peers have taken meanwhile.
            // Asking for its events makes it look now: a queue that is still full then is full.
            int events;
            nuint length = sizeof(int);
            _ = Native.zmq_getsockopt(Handle, Native.OptionEvents, &events, &length);
            error = _socket!.Send(id, more: true);
        }
        if (error == 0)
            error = _socket!.Send(body, more: false);
        return error switch
        {
            0 => SendOutcome.Sent,
            Native.TryAgain => SendOutcome.QueueFull,
            Native.HostUnreachable => SendOutcome.Unreachable,
            Native.Terminated => SendOutcome.Closed,
            _ => throw new ZeroMqException($"sending {body.Length} bytes from {LastEndpoint}", error),
        };
    }

    public ReceiveOutcome Receive(out TransportEvent.Received? received)
    {
        received = null;
        Native.Message message;
        _ = Native.zmq_msg_init(&message);
        try
        {
            var length = _socket!.Receive(&message);
            if (length < 0)
                return length == -Native.Terminated ? ReceiveOutcome.Closed : ReceiveOutcome.Nothing;
            var peer = PeerOf(new ReadOnlySpan<byte>(Native.zmq_msg_data(&message), length));
            if (Native.zmq_msg_more(&message) == 0)
                return ReceiveOutcome.Empty;
            // libzmq hands over whole messages only, so the further frames are there already.
            length = _socket.Receive(&message);
            if (length < 0)
                return length == -Native.Terminated ? ReceiveOutcome.Closed : throw new ZeroMqException($"reading a frame at {LastEndpoint}", -length);
            // The connection is known from the body's frame only: the routing id's carries none of its properties.
            var origin = Doorkeeper is null ? null : OriginOf(peer, &message);
            var tooLarge = origin is not null && length > _options.MaxStrangerMessageSize && !_options.Gate.Knows(origin.Key);
            if (tooLarge)
            {
                Doorkeeper!.RefusedMessage(origin!, length);
            }
            else
            {
                var body = GC.AllocateUninitializedArray<byte>(length);
                new ReadOnlySpan<byte>(Native.zmq_msg_data(&message), length).CopyTo(body);
                received = new TransportEvent.Received(peer.Id, body, origin);
            }
            while (Native.zmq_msg_more(&message) != 0)
            {
                if (_socket.Receive(&message) == -Native.Terminated)
                    return ReceiveOutcome.Closed;
            }
            return tooLarge ? ReceiveOutcome.TooLarge : ReceiveOutcome.Received;
        }
        finally
        {
            _ = Native.zmq_msg_close(&message);
        }
    }

    /// <summary>Closes the socket and ends a context of its own; messages not yet on the wire are dropped (linger 0).</summary>
    public void Close()
    {
        _socket?.Close();
        Doorkeeper?.Close();
        _ownContext?.End();
    }

    private CachedPeer PeerOf(ReadOnlySpan<byte> id)
    {
        Span<char> text = stackalloc char[id.Length];
        Encoding.Latin1.GetChars(id, text);
        if (_peersByChars.TryGetValue(text, out var peer))
            return peer;
        if (_peers.Count >= CachedPeers)
            _peers.Clear();
        peer = new CachedPeer(new PeerId(new string(text)));
        _peers.Add(peer.Id.Text, peer);
        return peer;
    }

    /// <summary>
    /// Where a message is from. The properties are those of its connection, and another connection may have taken over the
    /// routing id, so they are compared each time, and become text only when they changed.
    /// </summary>
    private static PeerOrigin OriginOf(CachedPeer peer, Native.Message* message)
    {
        var key = Property(message, "User-Id\0"u8);
        var address = Property(message, "Peer-Address\0"u8);
        if (peer.Origin is { } known && Ascii.Equals(key, known.Key) && Ascii.Equals(address, known.Address))
            return known;
        return peer.Origin = new PeerOrigin(Encoding.ASCII.GetString(key), Encoding.ASCII.GetString(address));
    }

    private static ReadOnlySpan<byte> Property(Native.Message* message, ReadOnlySpan<byte> name)
    {
        fixed (byte* nameStart = name)
            return MemoryMarshal.CreateReadOnlySpanFromNullTerminated(Native.zmq_msg_gets(message, nameStart));
    }

    private void Configure(ZeroMqOptions options)
    {
        _socket!.Set(Native.OptionRoutingId, options.RoutingIdBytes(), "routing id");
        _socket!.Set(Native.OptionLinger, 0, "linger");
        _socket!.Set(Native.OptionRouterMandatory, 1, "router mandatory");
        _socket!.Set(Native.OptionRouterHandover, options.Handover ? 1 : 0, "router handover");
        // A peer that is away is unreachable at once, rather than a queue whose old messages greet its successor.
        _socket!.Set(Native.OptionImmediate, 1, "immediate");
        // All hosts come back at once after a restart of the controller, and whoever finds the queue full waits for a second.
        _socket!.Set(Native.OptionBacklog, Backlog, "backlog");
        _socket!.Set(Native.OptionSendHighWaterMark, options.SendHighWaterMark, "send high-water mark");
        _socket!.Set(Native.OptionReceiveHighWaterMark, options.ReceiveHighWaterMark, "receive high-water mark");
        _socket!.Set(Native.OptionMaxMessageSize, options.MaxMessageSize, "largest message");
        if (options.Role == ZeroMqRole.Connect)
        {
            _socket!.Set(Native.OptionHeartbeatInterval, Milliseconds(options.HeartbeatInterval), "heartbeat interval");
            _socket!.Set(Native.OptionHeartbeatTimeout, Milliseconds(options.HeartbeatTimeout), "heartbeat timeout");
        }
        // The kernel notices a machine that is gone, which costs the side with thousands of connections nothing.
        _socket!.Set(Native.OptionTcpKeepAlive, 1, "TCP keep-alive");
        _socket!.Set(Native.OptionTcpKeepAliveIdle, Seconds(options.HeartbeatInterval), "TCP keep-alive idle time");
        _socket!.Set(Native.OptionTcpKeepAliveInterval, Seconds(options.HeartbeatInterval), "TCP keep-alive interval");
        // Keep-alive looks at idle connections only; one with something unacknowledged ends by this (TCP_USER_TIMEOUT).
        _socket!.Set(Native.OptionTcpMaximumRetransmit, Milliseconds(options.HeartbeatTimeout), "longest time without acknowledgement");
        _socket!.Set(Native.OptionTcpKeepAliveCount, TcpKeepAliveProbes, "TCP keep-alive count");
        _socket!.Set(Native.OptionHandshakeInterval, Milliseconds(options.HandshakeTimeout), "handshake interval");
        _socket!.Set(Native.OptionReconnectInterval, Milliseconds(options.ReconnectInterval), "reconnect interval");
        _socket!.Set(Native.OptionReconnectIntervalMax, Milliseconds(options.ReconnectIntervalMax), "longest reconnect interval");
        if (options.Endpoint.Contains('[', StringComparison.Ordinal))
            _socket!.Set(Native.OptionIPv6, 1, "IPv6");
        switch (options.Curve)
        {
            case ZeroMqCurve.Server(var keys):
                _socket!.Set(Native.OptionCurveServer, 1, "CURVE server");
                _socket!.Set(Native.OptionCurveSecretKey, Encoding.ASCII.GetBytes(keys.SecretKey), "CURVE secret key");
                break;
            case ZeroMqCurve.Client(var keys, var serverPublicKey):
                _socket!.Set(Native.OptionCurveServerKey, Encoding.ASCII.GetBytes(serverPublicKey), "CURVE server key");
                _socket!.Set(Native.OptionCurvePublicKey, Encoding.ASCII.GetBytes(keys.PublicKey), "CURVE public key");
                _socket!.Set(Native.OptionCurveSecretKey, Encoding.ASCII.GetBytes(keys.SecretKey), "CURVE secret key");
                break;
        }
    }

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)time.TotalSeconds);

    private static int Milliseconds(TimeSpan time) => Math.Max(1, (int)time.TotalMilliseconds);

    private string GetText(int option)
    {
        Span<byte> text = stackalloc byte[1024];
        var length = (nuint)text.Length;
        fixed (byte* data = text)
        {
            if (Native.zmq_getsockopt(Handle, option, data, &length) != 0)
                throw new ZeroMqException("reading the endpoint of a socket", Marshal.GetLastPInvokeError());
        }
        // The length counts the closing NUL.
        return Encoding.UTF8.GetString(text[..((int)length - 1)]);
    }

    /// <summary>What is made once for a peer rather than for each of its messages.</summary>
    private sealed class CachedPeer(PeerId id)
    {
        public PeerId Id { get; } = id;

        public PeerOrigin? Origin { get; set; }
    }
}
