using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PonyCloud.TestKit.Network;

/// <summary>Whole frames, to and from a device (packet(7)).</summary>
public sealed class PacketSocket : IDisposable
{
    private const int AllProtocols = 3;

    private readonly Socket _socket;

    private PacketSocket(Socket socket) => _socket = socket;

    /// <param name="index">The number of the device.</param>
    public static PacketSocket Open(NetworkNamespace inside, int index) => inside.Make(() => Open(index));

    /// <param name="inside">The process in whose network the device is.</param>
    /// <param name="index">The number of the device.</param>
    public static PacketSocket Open(int inside, int index) => NetworkNamespace.MakeIn($"/proc/{inside}/ns/net", () => Open(index));

    public async Task SendAsync(byte[] frame, CancellationToken cancellationToken) => await _socket.SendAsync(frame, cancellationToken);

    /// <summary>The next frame that came or went; a tag is taken off.</summary>
    public async Task<byte[]> ReceiveAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[65_536];
        return buffer[..await _socket.ReceiveAsync(buffer, cancellationToken)];
    }

    /// <summary>What has come or gone already.</summary>
    public IEnumerable<byte[]> Received()
    {
        var buffer = new byte[65_536];
        while (_socket.Poll(TimeSpan.Zero, SelectMode.SelectRead))
            yield return buffer[.._socket.Receive(buffer)];
    }

    public void Dispose() => _socket.Dispose();

    private static PacketSocket Open(int index)
    {
        var socket = new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)BinaryPrimitives.ReverseEndianness((ushort)AllProtocols));
        try
        {
            socket.Bind(new Device(index));
            return new PacketSocket(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>sockaddr_ll.</summary>
    private sealed class Device(int index) : EndPoint
    {
        private const int Size = 20;

        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, Size);
            var bytes = address.Buffer.Span;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], AllProtocols);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], index);
            return address;
        }
    }
}
