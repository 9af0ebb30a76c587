using System.Net;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Trials;

/// <summary>How the kernel sends to Sparkle.</summary>
/// <param name="Destination">Sparkle's address.</param>
/// <param name="Link">The link that packets leave by.</param>
/// <param name="Source">The host's address on them.</param>
public sealed record SparkleRoute(string Destination, string Link, string? Source);

/// <summary>The path to Sparkle: the link, and all that it stands on. Pure.</summary>
public sealed class SparklePath
{
    private readonly SparkleRoute _route;
    private readonly HashSet<string> _links;

    private SparklePath(SparkleRoute route, HashSet<string> links)
    {
        _route = route;
        _links = links;
    }

    public IReadOnlySet<string> Links => _links;

    public static SparklePath Of(SparkleRoute route, NamespaceState here)
    {
        var links = new HashSet<string>(StringComparer.Ordinal);
        Follow(route.Link);
        return new SparklePath(route, links);

        void Follow(string name)
        {
            if (!links.Add(name) || !here.Links.TryGetValue(name, out var link))
                return;
            if (link.Vlan is { } vlan)
                Follow(vlan.Parent);
            foreach (var port in here.Links.Values.Where(port => port.Master == name && (port.IsCard || port.Kind is LinkKind.Bond or LinkKind.Vlan)))
                Follow(port.Name);
        }
    }

    public bool IsTouchedBy(NetworkStep step) => step.Namespace == NetworkState.Host && step switch
    {
        NetworkStep.ChangeLink(_, var change) => _links.Contains(change.Name),
        NetworkStep.RemoveLink(_, var link) => _links.Contains(link),
        NetworkStep.RemoveAddress(_, var address) => _links.Contains(address.Link) && AddressOf(address.Address) == _route.Source,
        NetworkStep.RemoveRoute(_, var route) => _links.Contains(route.Link) && Leads(route.Destination),
        NetworkStep.AddRoute(_, var route) => Leads(route.Destination),
        // The link gets a route to its own network.
        NetworkStep.AddAddress(_, var address) => !_links.Contains(address.Link) && Leads(address.Address),
        _ => false,
    };

    private bool Leads(string destination)
    {
        if (!IPAddress.TryParse(_route.Destination, out var sparkle))
            return true;
        if (destination == "default")
            return true;
        var slash = destination.IndexOf('/', StringComparison.Ordinal);
        var address = IPAddress.Parse(AddressOf(destination)!);
        if (address.AddressFamily != sparkle.AddressFamily)
            return false;
        var bits = address.GetAddressBytes();
        var prefix = slash < 0 ? bits.Length * 8 : int.Parse(destination[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture);
        return IsSame(bits, sparkle.GetAddressBytes(), prefix);
    }

    private static bool IsSame(byte[] one, byte[] other, int prefix)
    {
        for (var bit = 0; bit < prefix; bit += 8)
        {
            var mask = (byte)(0xff << Math.Max(0, 8 - (prefix - bit)));
            if ((one[bit / 8] & mask) != (other[bit / 8] & mask))
                return false;
        }
        return true;
    }

    private static string? AddressOf(string text) => text.Split('/')[0];
}
