using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Working;

/// <summary>What belongs to the host's own network, and what to its switches. Pure.</summary>
internal static class HostSteps
{
    /// <summary>Whether a step could touch the path to Sparkle at all: what switches are made of is no part of it.</summary>
    public static bool AreHosts(NetworkStep step) => step.Namespace == NetworkState.Host && step switch
    {
        NetworkStep.ChangeLink change => !IsOfSwitch(change.Change.Name),
        NetworkStep.RemoveLink remove => !IsOfSwitch(remove.Link),
        NetworkStep.AddAddress add => !IsOfSwitch(add.Address.Link),
        NetworkStep.RemoveAddress remove => !IsOfSwitch(remove.Address.Link),
        NetworkStep.AddRoute add => !IsOfSwitch(add.Route.Link) && add.Route.Table == Route.Main,
        NetworkStep.RemoveRoute remove => !IsOfSwitch(remove.Route.Link),
        _ => false,
    };

    /// <summary>Whether a link is one of a switch: bonds and VLANs are the host's.</summary>
    public static bool IsOfSwitch(string link) => LinkNames.IsOurs(link) && link[2] is not ('b' or 'v');

    /// <summary>The links that a step is about.</summary>
    public static IEnumerable<string?> LinksOf(NetworkStep? step) => step switch
    {
        NetworkStep.AddLink add => [add.Link.Name, add.Link.Master],
        NetworkStep.ChangeLink change => [change.Change.Name, change.Change.Master],
        NetworkStep.AddAddress add => [add.Address.Link],
        NetworkStep.AddRoute add => [add.Route.Link],
        NetworkStep.AddForwarding add => [add.Forwarding.Link],
        NetworkStep.AddNeighbour add => [add.Neighbour.Link],
        NetworkStep.RemoveLink remove => [remove.Link],
        _ => [],
    };

    /// <summary>What somebody else put on cards that are about to become ports of a bond.</summary>
    public static List<BootedCard> TakenOver(HostOrders orders, NamespaceState here)
    {
        var cards = HostLayout.CardsOf(here);
        var taken = new List<BootedCard>();
        foreach (var nic in orders.Nics)
        {
            if (orders.Bonds.FirstOrDefault(bond => bond.Uuid == nic.Bond) is null or { Mode: BondMode.Single } || !cards.TryGetValue(nic.Hwaddr, out var card))
                continue;
            var addresses = here.Addresses
                .Where(address => !address.IsOurs && address.Link == card.Name && !address.Address.StartsWith("fe80:", StringComparison.Ordinal))
                .Select(address => address.Address).Order(StringComparer.Ordinal).ToList();
            if (addresses.Count > 0)
                taken.Add(new BootedCard(nic.Hwaddr, addresses, [.. here.Routes.Where(route => !route.IsOurs && route.Link == card.Name && route.Via is not null)]));
        }
        return taken;
    }

    /// <summary>The steps that take it off the cards.</summary>
    public static IEnumerable<NetworkStep> Releases(IEnumerable<BootedCard> taken, NamespaceState here)
    {
        var cards = HostLayout.CardsOf(here);
        return taken.SelectMany(card => card.Addresses.Select(address =>
            new NetworkStep.RemoveAddress(NetworkState.Host, new LinkAddress(cards[card.Hwaddr].Name, address, IsOurs: false))));
    }

    /// <summary>What is wanted of the host's own network, with all that there is of switches as it is: before the orders are known.</summary>
    public static NetworkState WithSwitchesAsTheyAre(NetworkState wanted, NetworkState actual)
    {
        var here = actual[NetworkState.Host];
        bool IsSwitches(string name) => IsOfSwitch(name) && here.Links.GetValueOrDefault(name)?.IsOurs == true;
        var builder = new NetworkBuilder();
        builder.Add(wanted[NetworkState.Host]);
        builder.Add(here with
        {
            Links = AsTheyAre(here, link => IsSwitches(link.Name)),
            Addresses = [.. here.Addresses.Where(address => address.IsOurs && IsSwitches(address.Link))],
            Routes = [.. here.Routes.Where(route => route.IsOurs && (IsSwitches(route.Link) || route.Table != Route.Main))],
            Sysctls = here.Sysctls.Clear(),
        });
        foreach (var (name, space) in actual.Namespaces.Where(space => space.Key != NetworkState.Host))
            builder.Add(space with { Links = AsTheyAre(space, link => link.IsOurs), Sysctls = space.Sysctls.Clear() }, name);
        return builder.Build();
    }

    private static ImmutableSortedDictionary<string, Link> AsTheyAre(NamespaceState space, Func<Link, bool> which) => space.Links.Values.Where(which)
        .ToImmutableSortedDictionary(link => link.Name, HeldTaps.AsIs, StringComparer.Ordinal);
}
