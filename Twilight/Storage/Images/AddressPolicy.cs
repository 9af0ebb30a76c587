using System.Net;
using System.Net.Sockets;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>
/// To which addresses a tenant may send this host for an image. Pure but for the host's own addresses, which are asked for
/// each time, since they change.
/// </summary>
/// <param name="platform">Networks of the platform's own.</param>
/// <param name="own">The addresses of this host.</param>
public sealed class AddressPolicy(IReadOnlyList<IPNetwork> platform, Func<IEnumerable<IPAddress>> own)
{
    private static readonly (IPNetwork Network, string What)[] Refused =
    [
        (IPNetwork.Parse("0.0.0.0/8"), "unspecified"),
        (IPNetwork.Parse("127.0.0.0/8"), "loopback"),
        (IPNetwork.Parse("169.254.0.0/16"), "link-local"),
        (IPNetwork.Parse("100.64.0.0/10"), "of the carrier"),
        (IPNetwork.Parse("192.0.0.0/24"), "reserved"),
        (IPNetwork.Parse("198.18.0.0/15"), "reserved"),
        (IPNetwork.Parse("224.0.0.0/4"), "multicast"),
        (IPNetwork.Parse("240.0.0.0/4"), "reserved"),
        (IPNetwork.Parse("::1/128"), "loopback"),
        (IPNetwork.Parse("::/96"), "unspecified"),
        (IPNetwork.Parse("fe80::/10"), "link-local"),
        (IPNetwork.Parse("fec0::/10"), "site-local"),
        (IPNetwork.Parse("ff00::/8"), "multicast"),
        (IPNetwork.Parse("2001::/32"), "Teredo"),
        (IPNetwork.Parse("64:ff9b:1::/48"), "NAT64 of a site"),
    ];

    // Where an IPv4 address stands in an IPv6 address, as the number of bytes before it.
    private static readonly (IPNetwork Network, int At)[] Embedding =
    [
        // SIIT (RFC 2765), which is obsolete and not gone.
        (IPNetwork.Parse("::ffff:0:0:0/96"), 12),
        (IPNetwork.Parse("64:ff9b::/96"), 12),
        (IPNetwork.Parse("2002::/16"), 2),
    ];

    /// <returns>What kind of address it is, in words that follow "an address that is"; null when it is allowed.</returns>
    public string? WhyRefused(IPAddress address)
    {
        foreach (var form in Forms(address))
        {
            foreach (var (network, what) in Refused)
            {
                if (network.Contains(form))
                    return what;
            }
            if (platform.Any(network => network.Contains(form)) || own().SelectMany(Forms).Contains(form))
                return "the platform's own";
        }
        return null;
    }

    /// <summary>The address without its scope, and the IPv4 address that it leads to if there is one in it.</summary>
    private static IEnumerable<IPAddress> Forms(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        var plain = new IPAddress(bytes);
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return [plain];
        // Not one of the networks below: to the framework, such an address is in none of IPv6.
        if (address.IsIPv4MappedToIPv6)
            return [plain, plain.MapToIPv4()];
        foreach (var (network, at) in Embedding)
        {
            if (network.Contains(plain))
                return [plain, new IPAddress(bytes.AsSpan(at, 4))];
        }
        return IsIsatap(bytes) ? [plain, new IPAddress(bytes.AsSpan(12, 4))] : [plain];
    }

    // RFC 5214: interface identifiers [02]00:5efe:a.b.c.d, under any prefix.
    private static bool IsIsatap(byte[] bytes) => (bytes[8] & 0xfd) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}
