using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// Answers libzmq's question whether a peer that proved its key may come in (ZAP, rfc.zeromq.org/spec/27), and hears its
/// reports about connections, to count and to name what was refused. Owned by the thread of the socket.
/// </summary>
internal sealed unsafe class Doorkeeper
{
    // Where libzmq looks for a handler, in the context of the socket.
    private const string HandlerEndpoint = "inproc://zeromq.zap.01";
    private const string ReportsEndpoint = "inproc://reports";

    private const int ReportedEvents =
        Native.EventAccepted | Native.EventAcceptFailed | Native.EventDisconnected | Native.EventHandshakeFailed
        | Native.EventHandshakeSucceeded | Native.EventHandshakeProtocol | Native.EventHandshakeRefused;

    // AF_INET and AF_INET6 of Linux.
    private const ushort InternetFamily = 2;
    private const ushort Internet6Family = 10;

    private const int KeyBytes = 32;
    private const int KeyTextLength = 40;

    // A question: who asks, an empty frame, and version, request id, domain, address, routing id, mechanism, credentials.
    private const int QuestionFrames = 9;

    private readonly NativeSocket _questions;
    private readonly NativeSocket _reports;
    private readonly ZeroMqOptions _options;
    private readonly RefusalLog _refusals;
    private readonly ConnectionLedger _ledger;
    private readonly byte[][] _frames = new byte[QuestionFrames][];

    /// <exception cref="ZeroMqException">libzmq gives no sockets.</exception>
    public Doorkeeper(nint context, nint router, ZeroMqOptions options, ILogger log, TimeProvider time)
    {
        _options = options;
        _refusals = new RefusalLog(log, time);
        _ledger = new ConnectionLedger(Counters, _refusals.Refused);
        _questions = new NativeSocket(context, Native.SocketTypeRouter);
        try
        {
            _questions.Set(Native.OptionLinger, 0, "linger");
            _questions.Bind(HandlerEndpoint);
            if (Native.zmq_socket_monitor(router, ReportsEndpoint, ReportedEvents) != 0)
                throw new ZeroMqException("watching a socket", Marshal.GetLastPInvokeError());
            _reports = new NativeSocket(context, Native.SocketTypePair);
        }
        catch
        {
            _questions.Close();
            throw;
        }
        try
        {
            _reports.Set(Native.OptionLinger, 0, "linger");
            _reports.Connect(ReportsEndpoint);
        }
        catch
        {
            Close();
            throw;
        }
    }

    public DoorCounters Counters { get; } = new();

    /// <summary>To be polled: libzmq asks.</summary>
    public nint Questions => _questions.Handle;

    /// <summary>To be polled: libzmq reports.</summary>
    public nint Reports => _reports.Handle;

    /// <summary>Answers and hears what there is, up to so many of each; whether there was any.</summary>
    public bool Attend(int batch)
    {
        var worked = false;
        for (var i = 0; i < batch && Answer(); i++)
            worked = true;
        for (var i = 0; i < batch && Hear(); i++)
            worked = true;
        return worked;
    }

    /// <summary>A message of a stranger was too large.</summary>
    public void RefusedMessage(PeerOrigin origin, int length)
    {
        Counters.CountRefusedMessage();
        _refusals.Refused(origin.Address, $"a message of {length} bytes with the unknown key {origin.Key}");
    }

    public void Close()
    {
        _questions.Close();
        _reports.Close();
    }

    private bool Answer()
    {
        if (Read(_questions) is not { } count)
            return false;
        // Only libzmq can ask here, and it asks in this form; what else there might be has nobody who waits.
        if (count != QuestionFrames || _frames[8].Length != KeyBytes || !_frames[7].AsSpan().SequenceEqual("CURVE"u8))
            return true;
        var key = KeyText(_frames[8]);
        var address = Encoding.ASCII.GetString(_frames[5]);
        var refusal = Refusal(key, address);
        if (refusal is not null)
        {
            Counters.CountRefusedByGate();
            _refusals.Refused(address, refusal);
        }
        Reply(refusal is null ? key : null);
        return true;
    }

    private string? Refusal(string key, string address)
    {
        if (Counters.Open > _options.ConnectionsForStrangers && !_options.Gate.Knows(key))
            return $"the unknown key {key} while {Counters.Open} connections are open";
        return _options.Gate.Admits(key, address) ? null : $"the key {key} is not admitted now";
    }

    /// <summary>Says yes, with the key as the name of the user, or not now (300), without a word to the peer: it tries again.</summary>
    private void Reply(string? key)
    {
        Span<byte> user = stackalloc byte[key?.Length ?? 0];
        Encoding.ASCII.GetBytes(key, user);
        // A handshake that ended meanwhile has nobody to take the answer, and the rest of it goes the same way.
        _ = _questions.Send(_frames[0], more: true);
        _ = _questions.Send([], more: true);
        _ = _questions.Send("1.0"u8, more: true);
        _ = _questions.Send(_frames[3], more: true);
        _ = _questions.Send(key is null ? "300"u8 : "200"u8, more: true);
        _ = _questions.Send([], more: true);
        _ = _questions.Send(user, more: true);
        _ = _questions.Send([], more: false);
    }

    private bool Hear()
    {
        if (Read(_reports) is null)
            return false;
        // The kind and its value, in this machine's order of bytes; the second frame names the socket's own endpoint.
        var kind = MemoryMarshal.Read<ushort>(_frames[0]);
        var value = MemoryMarshal.Read<int>(_frames[0].AsSpan(sizeof(ushort)));
        switch (kind)
        {
            case Native.EventAccepted:
                _ledger.Accepted(value, PeerAddress(value));
                break;
            case Native.EventAcceptFailed:
                _ledger.AcceptFailed(Native.Describe(value));
                break;
            case Native.EventHandshakeSucceeded:
                _ledger.HandshakeSucceeded();
                break;
            case Native.EventHandshakeProtocol:
                _ledger.HandshakeFailed(value switch
                {
                    Native.ProtocolCryptographic => "what it says is not encrypted for this key",
                    Native.ProtocolMechanism => "it does not speak CURVE",
                    _ => $"it breaks the protocol (0x{value:x})",
                });
                break;
            case Native.EventHandshakeFailed:
                _ledger.HandshakeFailed(value == Native.TryAgain ? "it did not say who it is in time" : Native.Describe(value));
                break;
            case Native.EventHandshakeRefused:
                _ledger.HandshakeRefused();
                break;
            case Native.EventDisconnected:
                _ledger.Disconnected(value);
                break;
        }
        return true;
    }

    /// <summary>Reads a whole message into the frames; null when there is none, else how many it has.</summary>
    private int? Read(NativeSocket socket)
    {
        Native.Message message;
        _ = Native.zmq_msg_init(&message);
        try
        {
            for (var count = 0; ; count++)
            {
                var length = socket.Receive(&message);
                if (length < 0)
                    return null;
                if (count < QuestionFrames)
                    _frames[count] = new ReadOnlySpan<byte>(Native.zmq_msg_data(&message), length).ToArray();
                if (Native.zmq_msg_more(&message) == 0)
                    return count + 1;
            }
        }
        finally
        {
            _ = Native.zmq_msg_close(&message);
        }
    }

    private static string KeyText(ReadOnlySpan<byte> key)
    {
        var text = stackalloc byte[KeyTextLength + 1];
        fixed (byte* data = key)
            _ = Native.zmq_z85_encode(text, data, (nuint)key.Length);
        return Encoding.ASCII.GetString(text, KeyTextLength);
    }

    /// <summary>The address at the other end of a connection; null when it has gone already.</summary>
    private static string? PeerAddress(int file)
    {
        // A sockaddr of either family: the family, the port, then for IPv6 a flow label, then the address.
        var address = stackalloc byte[128];
        uint length = 128;
        if (Native.PeerName(file, address, &length) != 0)
            return null;
        return *(ushort*)address switch
        {
            InternetFamily => new IPAddress(new ReadOnlySpan<byte>(address + 4, 4)).ToString(),
            Internet6Family => new IPAddress(new ReadOnlySpan<byte>(address + 8, 16)).ToString(),
            _ => null,
        };
    }
}
