using System.Buffers;
using System.Net;
using System.Net.Sockets;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>Words of nft for what the rules are about. What is no name or address does not get into a script.</summary>
internal static class FilterNames
{
    private const int LinkNameMax = 15;

    private static readonly SearchValues<char> LinkNameLetters =
        SearchValues.Create("-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");

    /// <exception cref="ArgumentException">No link of the platform is called so.</exception>
    public static string Link(string name) =>
        name.Length is > 0 and <= LinkNameMax && !name.AsSpan().ContainsAnyExcept(LinkNameLetters)
            ? name
            : throw new ArgumentException($"'{name}' is no name for a link.", nameof(name));

    public static string Quoted(string link) => $"\"{Link(link)}\"";

    /// <exception cref="ArgumentException">The text is no hardware address.</exception>
    public static string HardwareAddress(string text) =>
        NetworkText.HardwareAddress(text) ?? throw new ArgumentException($"'{text}' is no hardware address.", nameof(text));

    /// <exception cref="ArgumentException">The text is no address.</exception>
    public static IPAddress Address(string text) =>
        NetworkText.Address(text) is { } address ? IPAddress.Parse(address) : throw new ArgumentException($"'{text}' is no address.", nameof(text));

    public static bool IsIpv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>An IPv6 address as 128 bits of a packet, since nft has no name for the target of a neighbour advertisement.</summary>
    public static string Bits(IPAddress ipv6) =>
        Convert.ToHexStringLower(ipv6.GetAddressBytes()).TrimStart('0') is { Length: > 0 } digits ? $"0x{digits}" : "0x0";

    /// <summary>The link-local address that is made of a hardware address (RFC 4291, appendix A).</summary>
    public static IPAddress LinkLocal(string hardwareAddress)
    {
        var own = Convert.FromHexString(HardwareAddress(hardwareAddress).Replace(":", "", StringComparison.Ordinal));
        return new IPAddress([0xfe, 0x80, 0, 0, 0, 0, 0, 0, (byte)(own[0] ^ 2), own[1], own[2], 0xff, 0xfe, own[3], own[4], own[5]]);
    }

    public static string Of(Guid group, string bridge) => $"{group.ToString("N")[..12]}_{Link(bridge)}";
}
