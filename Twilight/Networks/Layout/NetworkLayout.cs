using System.Collections.Immutable;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What the whole network of the host is to be, from rows and what is. Pure.</summary>
/// <param name="Wanted">As the plan needs it.</param>
/// <param name="Links">The link that serves each thing that is ordered.</param>
/// <param name="Faults">What cannot be made, in words.</param>
/// <param name="Mtus">By switch.</param>
/// <param name="Held">What stays although nobody wants it.</param>
public sealed record NetworkLayout(
    NetworkState Wanted,
    IReadOnlyDictionary<NetworkSubject, string> Links,
    IReadOnlyDictionary<NetworkSubject, string> Faults,
    IReadOnlyDictionary<Guid, int> Mtus,
    IReadOnlyList<HeldTap> Held)
{
    /// <param name="host">The uuid of this host.</param>
    public static NetworkLayout Of(HostOrders own, SwitchOrders switches, NetworkState actual, BootedNetwork booted, Guid host)
    {
        var here = actual[NetworkState.Host];
        var layout = HostLayout.Of(own, here, booted);
        var builder = new NetworkBuilder();
        builder.Add(layout.Wanted);
        foreach (var (subject, link) in layout.Links)
            builder.Links[subject] = link;
        foreach (var (subject, why) in layout.Faults)
            builder.Faults[subject] = why;
        var underlay = new Underlay(own, layout, here);
        foreach (var one in switches.Switches)
            SwitchLayout.Add(one, switches, underlay, host, builder);
        HeldTaps.Add(actual, switches, builder);
        return new NetworkLayout(builder.Build(), builder.Links, builder.Faults, builder.Mtus, builder.Held);
    }
}

/// <summary>A tap that stays although nobody wants it.</summary>
/// <param name="IsUnplugged">Its card was taken from its instance; otherwise the instance was forgotten.</param>
public sealed record HeldTap(string Link, TapAlias Alias, bool IsUnplugged);

/// <summary>
/// Taps that somebody has open although nobody wants them any more. They stay until they are closed, and so does the switch that
/// they are on: of a card that the guest has not let go of yet, with nothing passing it; of a guest that the controller has
/// forgotten, as if nothing had happened.
/// </summary>
internal static class HeldTaps
{
    private static readonly BridgePortSettings CutOff = new(Learns: false, Floods: false, SuppressesNeighbours: false, IsIsolated: true);

    public static void Add(NetworkState actual, SwitchOrders orders, NetworkBuilder builder)
    {
        var here = actual[NetworkState.Host];
        foreach (var link in here.Links.Values.Where(link => link is { Kind: LinkKind.Tap, IsOurs: true, HasCarrier: true } && !builder.Has(link.Name)))
        {
            if (TapAlias.Parse(link.Alias) is not { } alias)
                continue;
            var isUnplugged = orders.Instances.ContainsKey(alias.Instance);
            builder.Add(AsIs(link) with { Port = isUnplugged ? CutOff : link.Port });
            builder.Held.Add(new HeldTap(link.Name, alias, isUnplugged));
            if (!isUnplugged)
                builder.Add(new NamespaceState { Forwardings = [.. here.Forwardings.Where(forwarding => forwarding.Link == link.Name)] });
            if (!builder.Has(LinkNames.Bridge(alias.Switch)))
                KeepSwitch(actual, alias.Switch, builder);
        }
    }

    private static void KeepSwitch(NetworkState actual, Guid @switch, NetworkBuilder builder)
    {
        var here = actual[NetworkState.Host];
        var names = new[] { LinkNames.Bridge(@switch), LinkNames.Vxlan(@switch), LinkNames.Service(@switch), LinkNames.Uplink(@switch) }
            .Where(here.Links.ContainsKey).ToImmutableHashSet(StringComparer.Ordinal);
        foreach (var name in names)
            builder.Add(AsIs(here.Links[name]));
        builder.Add(new NamespaceState
        {
            Addresses = [.. here.Addresses.Where(address => address.IsOurs && names.Contains(address.Link))],
            Routes = [.. here.Routes.Where(route => route.IsOurs && names.Contains(route.Link))],
            Rules = [.. here.Rules.Where(rule => names.Contains(rule.Incoming))],
            Neighbours = [.. here.Neighbours.Where(neighbour => names.Contains(neighbour.Link))],
            Forwardings = [.. here.Forwardings.Where(forwarding => names.Contains(forwarding.Link))],
        });
        if (actual.Namespaces.TryGetValue(LinkNames.Namespace(@switch), out var space))
        {
            builder.Add(
                space with { Links = space.Links.Where(link => link.Value.IsOurs).ToImmutableSortedDictionary(link => link.Key, link => AsIs(link.Value), StringComparer.Ordinal) },
                LinkNames.Namespace(@switch));
        }
    }

    // What is only seen is never wanted.
    private static Link AsIs(Link link) => link with { PermanentAddress = null, HasCarrier = null };
}
