using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks;

/// <summary>The smallest change of a host's network.</summary>
/// <param name="Namespace">Where; see <see cref="NetworkState.Host"/>.</param>
public abstract record NetworkStep(string Namespace)
{
    public sealed record AddNamespace(string Namespace) : NetworkStep(Namespace);

    public sealed record RemoveNamespace(string Namespace) : NetworkStep(Namespace);

    /// <summary>Makes the link with all that it is to be; of a cable, both ends at once.</summary>
    /// <param name="Peer">The other end of a cable, of which the name, the hardware address and the MTU count; the rest is changed there.</param>
    public sealed record AddLink(string Namespace, Link Link, Link? Peer = null) : NetworkStep(Namespace);

    public sealed record RemoveLink(string Namespace, string Link) : NetworkStep(Namespace);

    /// <summary>Changes what can be changed while the link is there: those properties that are not null.</summary>
    public record ChangeLink(string Namespace, Link Change) : NetworkStep(Namespace);

    /// <summary>
    /// Changes of a bond what is not null. The kernel refuses a mode while there are ports and a rate while the bond is up, even those
    /// that it has already.
    /// </summary>
    public sealed record ChangeBond(string Namespace, string Bond, BondMode? Mode, LacpRate? LacpRate = null, XmitHashPolicy? XmitHashPolicy = null)
        : ChangeLink(Namespace, new Link { Name = Bond, Kind = LinkKind.Bond });

    public sealed record AddAddress(string Namespace, LinkAddress Address) : NetworkStep(Namespace);

    public sealed record RemoveAddress(string Namespace, LinkAddress Address) : NetworkStep(Namespace);

    public sealed record AddRoute(string Namespace, Route Route) : NetworkStep(Namespace);

    public sealed record RemoveRoute(string Namespace, Route Route) : NetworkStep(Namespace);

    public sealed record AddRule(string Namespace, RoutingRule Rule) : NetworkStep(Namespace);

    public sealed record RemoveRule(string Namespace, RoutingRule Rule) : NetworkStep(Namespace);

    /// <summary>In place of what was known of that address.</summary>
    public sealed record AddNeighbour(string Namespace, Neighbour Neighbour) : NetworkStep(Namespace);

    public sealed record RemoveNeighbour(string Namespace, Neighbour Neighbour) : NetworkStep(Namespace);

    /// <summary>In place of where that hardware address was; of a VXLAN port, what is for everybody goes to each endpoint of 00:00:00:00:00:00.</summary>
    public sealed record AddForwarding(string Namespace, Forwarding Forwarding) : NetworkStep(Namespace);

    public sealed record RemoveForwarding(string Namespace, Forwarding Forwarding) : NetworkStep(Namespace);

    public sealed record SetSysctl(string Namespace, string Name, string Value) : NetworkStep(Namespace);
}
