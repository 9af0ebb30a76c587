using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>A network in which the platform itself has an address.</summary>
/// <param name="Link">In the namespace of the switch.</param>
/// <param name="Own">The platform's address: the gateway where it routes, or else the service address.</param>
public sealed record ServedNetwork(NetworkDesired Row, string Link, IPAddress Own, IPNetwork Range)
{
    public bool IsIpv6 => Range.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>As it is put on the link.</summary>
    public string OwnWithPrefix => $"{Own}/{Range.PrefixLength}";

    /// <summary>Names the network in the configuration.</summary>
    public string Tag => "n" + Row.Uuid.ToString("N");
}

/// <summary>Which networks of a switch the platform has addresses in. Pure.</summary>
/// <param name="Problems">What cannot be as ordered, in words.</param>
public sealed record ServedNetworks(ImmutableArray<ServedNetwork> Networks, ImmutableArray<string> Problems)
{
    /// <summary>The end of the cable that is in the namespace of the switch.</summary>
    public const string Guests = "guests";

    /// <summary>The link in the namespace for what guests tag; the cable itself for what they do not.</summary>
    public static string Link(int? vlanTag) => vlanTag is { } tag ? Guests + "." + tag.ToString(CultureInfo.InvariantCulture) : Guests;

    public static ServedNetworks Of(IEnumerable<NetworkDesired> networks)
    {
        var served = ImmutableArray.CreateBuilder<ServedNetwork>();
        var problems = ImmutableArray.CreateBuilder<string>();
        foreach (var row in networks.Where(row => row.Dhcp || row.Routed).OrderBy(row => row.Uuid))
        {
            var range = IPNetwork.Parse(row.Range);
            // All of them are in one namespace, which has one place for each address.
            var other = served.FirstOrDefault(other => other.Range.Contains(range.BaseAddress) || range.Contains(other.Range.BaseAddress));
            if (other is not null)
                problems.Add($"Network {row.Range} overlaps with {other.Row.Range}, and is not served.");
            else if ((row.Routed ? row.Gateway : row.ServiceAddress) is not { } own)
                problems.Add($"Network {row.Range} has no address for the platform, and is not served.");
            else
                served.Add(new ServedNetwork(row, Link(row.VlanTag), IPAddress.Parse(own), range));
        }
        return new ServedNetworks(served.ToImmutable(), problems.ToImmutable());
    }
}
