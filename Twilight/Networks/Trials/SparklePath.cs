using System.Net;
using PonyCloud.Shared.Entities;
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
        if (destination == "default" || !IPAddress.TryParse(_route.Destination, out var sparkle))
            return true;
        // An address stands for the network around it; without a prefix it is a network of its own.
        return NetworkText.Network(destination, out _) is { } network
            ? IPNetwork.Parse(network).Contains(sparkle)
            : IPAddress.Parse(destination).Equals(sparkle);
    }

    private static string? AddressOf(string text) => text.Split('/')[0];
}
