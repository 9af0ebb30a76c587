using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Networks;

/// <summary>
/// The reverse zone of a network as a master file (RFC 1035, section 5), for whoever serves it to the world outside. README.md says
/// what is in it. Pure.
/// </summary>
internal sealed class ReverseZone(NetworkRows rows)
{
    /// <summary>What hosts answer guests for the names of instances is below this, which nobody else serves (ICANN, 2024).</summary>
    public const string Domain = "internal";

    private const int Ttl = 300;

    /// <param name="serial">That of the zone, which rises with time.</param>
    public string Write(StateSnapshot state, NetworkDesired network, uint serial)
    {
        var (origin, labels) = OriginOf(network.Range);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"$ORIGIN {origin}\n$TTL {Ttl}\n");
        text.Append(CultureInfo.InvariantCulture, $"@ IN SOA localhost. hostmaster.localhost. {serial} 3600 600 604800 {Ttl}\n@ IN NS localhost.\n");
        var given = state[rows.Address].Where("network", RowKey.Of(network.Uuid))
            .Select(row => row.Desired).OfType<AddressDesired>()
            .Where(address => address.Network == network.Uuid && address.Ip is not null)
            .Select(address => (Labels: LabelsOf(IPAddress.Parse(address.Ip!)), Name: NameOf(state, address)))
            .Where(address => address.Name is not null)
            .OrderBy(address => string.Join('.', address.Labels), StringComparer.Ordinal);
        foreach (var (all, name) in given)
            text.Append(CultureInfo.InvariantCulture, $"{string.Join('.', all.Skip(labels).Reverse())} IN PTR {name}\n");
        return text.ToString();
    }

    /// <summary>Its own name, else that of the instance whose card has it; null for neither.</summary>
    private string? NameOf(StateSnapshot state, AddressDesired address)
    {
        if (address.Ptr is { } ptr)
            return ptr.EndsWith('.') ? ptr : ptr + '.';
        return address.Vnic is { } vnic
            && state[rows.Vnic].Find(vnic)?.Desired is VnicDesired card
            && state[rows.Instance].Find(card.Instance)?.Desired is InstanceDesired { Template: false } instance
                ? $"{instance.Name}.{Domain}."
                : null;
    }

    /// <summary>The zone that the range is in, which ends at a whole label, and how many labels of an address are in its name.</summary>
    private static (string Origin, int Labels) OriginOf(string range)
    {
        var slash = range.IndexOf('/', StringComparison.Ordinal);
        var address = IPAddress.Parse(range[..slash]);
        var (all, bits, suffix) = address.AddressFamily == AddressFamily.InterNetwork ? (4, 8, "in-addr.arpa.") : (32, 4, "ip6.arpa.");
        // An address is never the name of the zone itself.
        var labels = Math.Min(int.Parse(range.AsSpan(slash + 1), CultureInfo.InvariantCulture) / bits, all - 1);
        return (string.Concat(LabelsOf(address).Take(labels).Select(label => label + ".").Reverse()) + suffix, labels);
    }

    /// <summary>The labels of an address, that of the highest bits first: which is the last of its name.</summary>
    private static string[] LabelsOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? [.. address.GetAddressBytes().Select(octet => octet.ToString(CultureInfo.InvariantCulture))]
        : [.. Convert.ToHexStringLower(address.GetAddressBytes()).Select(nibble => nibble.ToString())];
}
