using System.Buffers.Binary;
using System.Globalization;
using System.Net;

namespace PonyCloud.TestKit.Network;

/// <summary>Ethernet frames, byte by byte: honest ones and others. Checksums are left out where nothing on the way looks at them.</summary>
public static class Frame
{
    public const string Broadcast = "ff:ff:ff:ff:ff:ff";

    public const int Ip = 0x0800;
    public const int Arp = 0x0806;
    public const int Rarp = 0x8035;
    public const int Vlan = 0x8100;
    public const int Ip6 = 0x86dd;

    private const byte Udp = 17;
    private const byte Fragment = 44;
    private const byte Icmp6 = 58;
    private const byte Options = 60;

    public static byte[] Of(string to, string from, int type, byte[] content) => [.. Mac(to), .. Mac(from), .. Number(type), .. content];

    /// <summary>The same frame with a tag in front of its type.</summary>
    public static byte[] Tagged(byte[] frame, int tag, int type = Vlan) => [.. frame[..12], .. Number(type), .. Number(tag), .. frame[12..]];

    /// <summary>A question for an address, or an answer, with a sender that need not be the frame's.</summary>
    public static byte[] ArpOf(string from, string sender, string senderAddress, bool isRequest = true, string target = "10.0.0.9") =>
        Of(Broadcast, from, Arp, [0, 1, 8, 0, 6, 4, 0, (byte)(isRequest ? 1 : 2), .. Mac(sender), .. Address(senderAddress), .. new byte[6], .. Address(target)]);

    /// <summary>What a hypervisor sends for a guest that has moved.</summary>
    public static byte[] RarpOf(string from) => Of(Broadcast, from, Rarp, [0, 1, 8, 0, 6, 4, 0, 3, .. Mac(from), .. new byte[4], .. Mac(from), .. new byte[4]]);

    public static byte[] UdpOf(string to, string from, string source, string destination, int sourcePort, int destinationPort, int size = 32)
    {
        byte[] datagram = [.. Number(sourcePort), .. Number(destinationPort), .. Number(8 + size), 0, 0, .. new byte[size]];
        return IsIpv6(source) ? Ip6Of(to, from, source, destination, Udp, datagram) : IpOf(to, from, source, destination, datagram);
    }

    /// <summary>An ICMPv6 message; of neighbour discovery with its target.</summary>
    public static byte[] Icmp6Of(string from, string source, byte type, string? target = null, string to = "33:33:00:00:00:01", string destination = "ff02::1") =>
        Ip6Of(to, from, source, destination, Icmp6, Icmp6Message(type, target));

    /// <summary>A fragment that begins with an ICMPv6 message, and is not the last.</summary>
    public static byte[] FragmentedIcmp6Of(string from, string source, byte type) =>
        Ip6Of("33:33:00:00:00:01", from, source, "ff02::1", Fragment, [Icmp6, 0, 0, 1, 1, 2, 3, 4, .. Icmp6Message(type, null)]);

    /// <summary>A fragment that begins with options, behind which is an ICMPv6 message.</summary>
    /// <param name="isComplete">Whether the message is in this fragment, and not in the next.</param>
    public static byte[] HiddenIcmp6Of(string from, string source, byte type, bool isComplete) => Ip6Of(
        "33:33:00:00:00:01", from, source, "ff02::1", Fragment,
        [Options, 0, 0, 1, 1, 2, 3, 4, Icmp6, 0, 1, 4, 0, 0, 0, 0, .. isComplete ? Icmp6Message(type, null) : []]);

    private static byte[] Icmp6Message(byte type, string? target) => [type, 0, 0, 0, 0, 0, 0, 0, .. target is null ? new byte[16] : Address(target)];

    private static byte[] IpOf(string to, string from, string source, string destination, byte[] content) => Of(
        to, from, Ip, [0x45, 0, .. Number(20 + content.Length), 0, 0, 0, 0, 64, Udp, 0, 0, .. Address(source), .. Address(destination), .. content]);

    private static byte[] Ip6Of(string to, string from, string source, string destination, byte next, byte[] content) => Of(
        to, from, Ip6, [0x60, 0, 0, 0, .. Number(content.Length), next, 255, .. Address(source), .. Address(destination), .. content]);

    private static bool IsIpv6(string address) => address.Contains(':', StringComparison.Ordinal);

    private static byte[] Address(string address) => IPAddress.Parse(address).GetAddressBytes();

    private static byte[] Mac(string address) => [.. address.Split(':').Select(pair => byte.Parse(pair, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    private static byte[] Number(int number)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)number);
        return bytes;
    }
}
