using System.Runtime.InteropServices;
using System.Text;

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

    /// <summary>There is nothing to read.</summary>
    Nothing,

    /// <summary>The context was terminated.</summary>
    Closed,
}

/// <summary>A ROUTER socket with a context of its own. Not thread-safe: made by one thread, then used by another only.</summary>
internal sealed unsafe class RouterSocket
{
    // Peers come and go with a new routing id each time; past this many the cache of their texts starts afresh.
    private const int CachedPeers = 10_000;

    private readonly Dictionary<string, PeerId> _peers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PeerId>.AlternateLookup<ReadOnlySpan<char>> _peersByChars;
    private readonly nint _context;
    private readonly nint _socket;

    /// <exception cref="ZeroMqException">An option is refused, or the endpoint cannot be bound or connected to.</exception>
    public RouterSocket(ZeroMqOptions options)
    {
        _peersByChars = _peers.GetAlternateLookup<ReadOnlySpan<char>>();
        _context = Native.zmq_ctx_new();
        if (_context == 0)
            throw new ZeroMqException("making a ZeroMQ context", Marshal.GetLastPInvokeError());
        try
        {
            _socket = Native.zmq_socket(_context, Native.SocketTypeRouter);
            if (_socket == 0)
                throw new ZeroMqException("making a ZeroMQ socket", Marshal.GetLastPInvokeError());
            Configure(options);
            var result = options.Role == ZeroMqRole.Bind
                ? Native.zmq_bind(_socket, options.Endpoint)
                : Native.zmq_connect(_socket, options.Endpoint);
            if (result != 0)
                throw new ZeroMqException($"{(options.Role == ZeroMqRole.Bind ? "binding" : "connecting")} to {options.Endpoint}", Marshal.GetLastPInvokeError());
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

    public nint Handle => _socket;

    public SendOutcome Send(PeerId peer, ReadOnlySpan<byte> body)
    {
        var text = peer.Text;
        if (string.IsNullOrEmpty(text) || text.Length > 255 || text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff'))
            return SendOutcome.Unreachable;
        Span<byte> id = stackalloc byte[text.Length];
        Encoding.Latin1.GetBytes(text, id);
        var error = SendFrame(id, Native.DontWait | Native.SendMore);
        if (error == Native.TryAgain)
        {
            // While it is sent to, a socket looks only about once a millisecond at what its peers have taken meanwhile.
            // Asking for its events makes it look now: a queue that is still full then is full.
            int events;
            nuint length = sizeof(int);
            _ = Native.zmq_getsockopt(_socket, Native.OptionEvents, &events, &length);
            error = SendFrame(id, Native.DontWait | Native.SendMore);
        }
        if (error == 0)
            error = SendFrame(body, Native.DontWait);
        return error switch
        {
            0 => SendOutcome.Sent,
            Native.TryAgain => SendOutcome.QueueFull,
            Native.HostUnreachable => SendOutcome.Unreachable,
            Native.Terminated => SendOutcome.Closed,
            _ => throw new ZeroMqException($"sending {body.Length} bytes from {LastEndpoint}", error),
        };
    }

    public ReceiveOutcome Receive(out PeerId peer, out byte[] body)
    {
        peer = default;
        body = [];
        Native.Message message;
        _ = Native.zmq_msg_init(&message);
        try
        {
            var length = ReceiveFrame(&message);
            if (length < 0)
                return length == -Native.Terminated ? ReceiveOutcome.Closed : ReceiveOutcome.Nothing;
            peer = PeerOf(new ReadOnlySpan<byte>(Native.zmq_msg_data(&message), length));
            if (Native.zmq_msg_more(&message) == 0)
                return ReceiveOutcome.Empty;
            // libzmq hands over whole messages only, so the further frames are there already.
            length = ReceiveFrame(&message);
            if (length < 0)
                return length == -Native.Terminated ? ReceiveOutcome.Closed : throw new ZeroMqException($"reading a frame at {LastEndpoint}", -length);
            body = GC.AllocateUninitializedArray<byte>(length);
            new ReadOnlySpan<byte>(Native.zmq_msg_data(&message), length).CopyTo(body);
            while (Native.zmq_msg_more(&message) != 0)
            {
                if (ReceiveFrame(&message) == -Native.Terminated)
                    return ReceiveOutcome.Closed;
            }
            return ReceiveOutcome.Received;
        }
        finally
        {
            _ = Native.zmq_msg_close(&message);
        }
    }

    /// <summary>Closes the socket and ends its context; messages not yet on the wire are dropped (linger 0).</summary>
    public void Close()
    {
        if (_socket != 0)
            _ = Native.zmq_close(_socket);
        while (_context != 0 && Native.zmq_ctx_term(_context) != 0 && Marshal.GetLastPInvokeError() == Native.Interrupted)
        {
            // Only a signal interrupts it.
        }
    }

    private int SendFrame(ReadOnlySpan<byte> frame, int flags)
    {
        fixed (byte* data = frame)
        {
            while (Native.zmq_send(_socket, data, (nuint)frame.Length, flags) < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error != Native.Interrupted)
                    return error;
            }
        }
        return 0;
    }

    /// <summary>The frame's length, or the negative errno.</summary>
    private int ReceiveFrame(Native.Message* message)
    {
        while (true)
        {
            var length = Native.zmq_msg_recv(message, _socket, Native.DontWait);
            if (length >= 0)
                return length;
            var error = Marshal.GetLastPInvokeError();
            if (error is Native.TryAgain or Native.Terminated)
                return -error;
            if (error != Native.Interrupted)
                throw new ZeroMqException($"receiving at {LastEndpoint}", error);
        }
    }

    private PeerId PeerOf(ReadOnlySpan<byte> id)
    {
        Span<char> text = stackalloc char[id.Length];
        Encoding.Latin1.GetChars(id, text);
        if (_peersByChars.TryGetValue(text, out var peer))
            return peer;
        if (_peers.Count >= CachedPeers)
            _peers.Clear();
        peer = new PeerId(new string(text));
        _peers.Add(peer.Text, peer);
        return peer;
    }

    private void Configure(ZeroMqOptions options)
    {
        Set(Native.OptionRoutingId, options.RoutingIdBytes(), "routing id");
        Set(Native.OptionLinger, 0, "linger");
        Set(Native.OptionRouterMandatory, 1, "router mandatory");
        Set(Native.OptionRouterHandover, options.Handover ? 1 : 0, "router handover");
        // A peer that is away is unreachable at once, rather than a queue whose old messages greet its successor.
        Set(Native.OptionImmediate, 1, "immediate");
        Set(Native.OptionSendHighWaterMark, options.SendHighWaterMark, "send high-water mark");
        Set(Native.OptionReceiveHighWaterMark, options.ReceiveHighWaterMark, "receive high-water mark");
        Set(Native.OptionMaxMessageSize, options.MaxMessageSize, "largest message");
        Set(Native.OptionHeartbeatInterval, Milliseconds(options.HeartbeatInterval), "heartbeat interval");
        Set(Native.OptionHeartbeatTimeout, Milliseconds(options.HeartbeatTimeout), "heartbeat timeout");
        Set(Native.OptionHeartbeatTimeToLive, Milliseconds(options.HeartbeatTimeout), "heartbeat time to live");
        Set(Native.OptionHandshakeInterval, Milliseconds(options.HandshakeTimeout), "handshake interval");
        Set(Native.OptionReconnectInterval, Milliseconds(options.ReconnectInterval), "reconnect interval");
        Set(Native.OptionReconnectIntervalMax, Milliseconds(options.ReconnectIntervalMax), "longest reconnect interval");
        if (options.Endpoint.Contains('[', StringComparison.Ordinal))
            Set(Native.OptionIPv6, 1, "IPv6");
        switch (options.Curve)
        {
            case ZeroMqCurve.Server(var keys):
                Set(Native.OptionCurveServer, 1, "CURVE server");
                Set(Native.OptionCurveSecretKey, Encoding.ASCII.GetBytes(keys.SecretKey), "CURVE secret key");
                break;
            case ZeroMqCurve.Client(var keys, var serverPublicKey):
                Set(Native.OptionCurveServerKey, Encoding.ASCII.GetBytes(serverPublicKey), "CURVE server key");
                Set(Native.OptionCurvePublicKey, Encoding.ASCII.GetBytes(keys.PublicKey), "CURVE public key");
                Set(Native.OptionCurveSecretKey, Encoding.ASCII.GetBytes(keys.SecretKey), "CURVE secret key");
                break;
        }
    }

    private static int Milliseconds(TimeSpan time) => Math.Max(1, (int)time.TotalMilliseconds);

    private void Set(int option, int value, string name) => Set(option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)), name);

    private void Set(int option, long value, string name) => Set(option, MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in value)), name);

    private void Set(int option, ReadOnlySpan<byte> value, string name)
    {
        fixed (byte* data = value)
        {
            if (Native.zmq_setsockopt(_socket, option, data, (nuint)value.Length) != 0)
                throw new ZeroMqException($"setting the {name} of a socket", Marshal.GetLastPInvokeError());
        }
    }

    private string GetText(int option)
    {
        Span<byte> text = stackalloc byte[1024];
        var length = (nuint)text.Length;
        fixed (byte* data = text)
        {
            if (Native.zmq_getsockopt(_socket, option, data, &length) != 0)
                throw new ZeroMqException("reading the endpoint of a socket", Marshal.GetLastPInvokeError());
        }
        // The length counts the closing NUL.
        return Encoding.UTF8.GetString(text[..((int)length - 1)]);
    }
}
