using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>Says on a link who has an address, so that everybody there knows at once.</summary>
public interface IAddressAnnouncer
{
    /// <param name="link">The index of the link.</param>
    /// <exception cref="SocketException">It could not be said.</exception>
    void Announce(int link, PhysicalAddress hardware, IPAddress address);
}

/// <summary>
/// ARP announcements (RFC 5227, 3) from a packet socket. arping says them only of addresses that the host itself has, which
/// floating ones are not.
/// </summary>
public sealed class AddressAnnouncer : IAddressAnnouncer, IDisposable
{
    private const ushort Arp = 0x0806;
    private const int FrameBytes = 14 + 28;
    private const int HardwareBytes = 6;

    // It receives nothing: no protocol is asked for. Most hosts never announce anything, and whoever may not open it need not.
    private readonly Lazy<Socket> _socket =
        new(() => new Socket(AddressFamily.Packet, SocketType.Raw, ProtocolType.Unspecified), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>One that speaks in the namespace of the thread that calls this; others in that of the first to announce something.</summary>
    public static AddressAnnouncer Open()
    {
        var announcer = new AddressAnnouncer();
        _ = announcer._socket.Value;
        return announcer;
    }

    public void Announce(int link, PhysicalAddress hardware, IPAddress address) =>
        _socket.Value.SendTo(Frame(hardware.GetAddressBytes(), address.GetAddressBytes()), new LinkEndPoint(link));

    public void Dispose()
    {
        if (_socket.IsValueCreated)
            _socket.Value.Dispose();
    }

    internal static byte[] Frame(ReadOnlySpan<byte> hardware, ReadOnlySpan<byte> address)
    {
        var frame = new byte[FrameBytes];
        frame.AsSpan(0, HardwareBytes).Fill(0xff);
        hardware.CopyTo(frame.AsSpan(HardwareBytes));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), Arp);
        // Ethernet, IPv4, their lengths, a request (RFC 826).
        ReadOnlySpan<byte> head = [0, 1, 8, 0, HardwareBytes, 4, 0, 1];
        head.CopyTo(frame.AsSpan(14));
        hardware.CopyTo(frame.AsSpan(22));
        address.CopyTo(frame.AsSpan(28));
        address.CopyTo(frame.AsSpan(38));
        return frame;
    }

    /// <summary>A <c>sockaddr_ll</c> (packet(7)).</summary>
    private sealed class LinkEndPoint(int link) : EndPoint
    {
        private const int Bytes = 20;

        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, Bytes);
            var bytes = address.Buffer.Span;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], Arp);
            BitConverter.TryWriteBytes(bytes[4..], link);
            return address;
        }
    }
}
