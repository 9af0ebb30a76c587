using System.Net;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Addresses as they are written.</summary>
internal static class AddressText
{
    public static bool IsIpv6(string text) => text.Contains(':', StringComparison.Ordinal);

    /// <summary>Without the prefix length.</summary>
    public static string Bare(string address) => address.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? address[..slash] : address;

    /// <summary>The network that an address with its prefix length is in.</summary>
    public static IPNetwork NetworkOf(string address)
    {
        var ip = IPAddress.Parse(Bare(address));
        var bytes = ip.GetAddressBytes();
        var prefix = address.Length == Bare(address).Length ? bytes.Length * 8 : int.Parse(address.AsSpan(Bare(address).Length + 1));
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(bytes[i] & (0xff00 >> Math.Clamp(prefix - i * 8, 0, 8)));
        return new IPNetwork(new IPAddress(bytes), prefix);
    }

    public static bool AreInOneNetwork(string one, string other) => IsIpv6(one) == IsIpv6(other) && NetworkOf(one) == NetworkOf(other);

    public static bool IsIn(string address, IPNetwork network) => network.Contains(IPAddress.Parse(address));
}
