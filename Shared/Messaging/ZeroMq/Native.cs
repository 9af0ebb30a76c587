using System.Runtime.InteropServices;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// The part of libzmq's C interface that is used here (zmq.h, 4.3), and the event counter that wakes the socket's
/// thread. Nothing outside this folder sees it.
/// </summary>
internal static unsafe partial class Native
{
    public const int SocketTypePair = 0;
    public const int SocketTypeRouter = 6;

    public const int OptionRoutingId = 5;
    public const int OptionLinger = 17;
    public const int OptionReconnectInterval = 18;
    public const int OptionReconnectIntervalMax = 21;
    public const int OptionBacklog = 19;
    public const int OptionMaxMessageSize = 22;
    public const int OptionSendHighWaterMark = 23;
    public const int OptionReceiveHighWaterMark = 24;
    public const int OptionFile = 14;
    public const int OptionEvents = 15;
    public const int OptionLastEndpoint = 32;
    public const int OptionRouterMandatory = 33;
    public const int OptionTcpKeepAlive = 34;
    public const int OptionTcpKeepAliveCount = 35;
    public const int OptionTcpKeepAliveIdle = 36;
    public const int OptionTcpKeepAliveInterval = 37;
    public const int OptionTcpMaximumRetransmit = 80;
    public const int OptionImmediate = 39;
    public const int OptionIPv6 = 42;
    public const int OptionCurveServer = 47;
    public const int OptionCurvePublicKey = 48;
    public const int OptionCurveSecretKey = 49;
    public const int OptionCurveServerKey = 50;
    public const int OptionRouterHandover = 56;
    public const int OptionHandshakeInterval = 66;
    public const int OptionHeartbeatInterval = 75;
    public const int OptionHeartbeatTimeout = 77;

    public const int ContextMaxSockets = 2;

    public const int DontWait = 1;
    public const int SendMore = 2;
    public const short PollIn = 1;

    public const int EventAccepted = 0x0020;
    public const int EventAcceptFailed = 0x0040;
    public const int EventDisconnected = 0x0200;
    public const int EventHandshakeFailed = 0x0800;
    public const int EventHandshakeSucceeded = 0x1000;
    public const int EventHandshakeProtocol = 0x2000;
    public const int EventHandshakeRefused = 0x4000;

    // Causes that come with EventHandshakeProtocol.
    public const int ProtocolCryptographic = 0x11000001;
    public const int ProtocolMechanism = 0x11000002;

    // errno of Linux, and libzmq's own (ZMQ_HAUSNUMERO + 53).
    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int HostUnreachable = 113;
    public const int Terminated = 156384765;

    private const string ZeroMq = "libzmq.so.5";
    private const string C = "libc";

    [LibraryImport(ZeroMq)]
    public static partial nint zmq_ctx_new();

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_ctx_set(nint context, int option, int value);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_ctx_term(nint context);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial nint zmq_socket(nint context, int type);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_close(nint socket);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_setsockopt(nint socket, int option, void* value, nuint length);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_getsockopt(nint socket, int option, void* value, nuint* length);

    [LibraryImport(ZeroMq, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int zmq_bind(nint socket, string endpoint);

    [LibraryImport(ZeroMq, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int zmq_connect(nint socket, string endpoint);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_send(nint socket, byte* data, nuint length, int flags);

    [LibraryImport(ZeroMq)]
    public static partial int zmq_msg_init(Message* message);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_msg_recv(Message* message, nint socket, int flags);

    [LibraryImport(ZeroMq)]
    public static partial int zmq_msg_close(Message* message);

    [LibraryImport(ZeroMq)]
    [SuppressGCTransition]
    public static partial byte* zmq_msg_data(Message* message);

    [LibraryImport(ZeroMq)]
    [SuppressGCTransition]
    public static partial int zmq_msg_more(Message* message);

    /// <summary>A property of the connection that the message came over, NUL at its end; null where it has none of this name.</summary>
    [LibraryImport(ZeroMq)]
    [SuppressGCTransition]
    public static partial byte* zmq_msg_gets(Message* message, byte* property);

    [LibraryImport(ZeroMq, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int zmq_socket_monitor(nint socket, string endpoint, int events);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_poll(PollItem* items, int count, nint timeoutMilliseconds);

    [LibraryImport(ZeroMq)]
    public static partial byte* zmq_strerror(int error);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_curve_keypair(byte* publicKey, byte* secretKey);

    [LibraryImport(ZeroMq, SetLastError = true)]
    public static partial int zmq_curve_public(byte* publicKey, byte* secretKey);

    [LibraryImport(ZeroMq)]
    public static partial byte* zmq_z85_encode(byte* text, byte* data, nuint length);

    [LibraryImport(C, EntryPoint = "getpeername", SetLastError = true)]
    public static partial int PeerName(int file, byte* address, uint* length);

    [LibraryImport(C, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int OpenEvent(uint initial, int flags);

    [LibraryImport(C, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(WakeUp file, ulong* value, nuint length);

    [LibraryImport(C, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(WakeUp file, ulong* value, nuint length);

    [LibraryImport(C, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    /// <summary>libzmq's description of an errno.</summary>
    public static string Describe(int error) => Marshal.PtrToStringUTF8((nint)zmq_strerror(error)) ?? $"error {error}";

    /// <summary>zmq_msg_t: 64 bytes, aligned like a pointer.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        private fixed ulong _opaque[8];
    }

    /// <summary>zmq_pollitem_t: the socket, or the file descriptor when the socket is null.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollItem
    {
        public nint Socket;
        public int File;
        public short Events;
        public short Returned;
    }
}
