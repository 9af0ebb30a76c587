using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Addresses, routes, and who is where.</summary>
public sealed partial class KernelModel
{
    internal const string ForEverybody = "00:00:00:00:00:00";

    private static void ApplyOnLinks(NetworkStep step, Space space)
    {
        switch (step)
        {
            case NetworkStep.AddAddress { Address: var address }:
                Add(step, space, address);
                break;
            case NetworkStep.RemoveAddress { Address: var address }:
                Remove(step, space, address);
                break;
            case NetworkStep.AddRoute { Route: var route }:
                Add(step, space, route);
                break;
            case NetworkStep.RemoveRoute { Route: var route }:
                Require(space.Routes.Remove(route), step, "No such process");
                break;
            case NetworkStep.AddRule { Rule: var rule }:
                Require(space.Rules.Add(rule), step, "File exists");
                break;
            case NetworkStep.RemoveRule { Rule: var rule }:
                Require(space.Rules.Remove(rule), step, "No such file or directory");
                break;
            case NetworkStep.AddNeighbour { Neighbour: var neighbour }:
                LinkOf(space, neighbour.Link, step);
                RequireIpv6(step, space, neighbour.Link, neighbour.Address);
                space.Put(neighbour);
                break;
            case NetworkStep.RemoveNeighbour { Neighbour: var neighbour }:
                Require(space.Remove(neighbour), step, "No such file or directory");
                break;
            case NetworkStep.AddForwarding { Forwarding: var forwarding }:
                Add(step, space, forwarding);
                break;
            case NetworkStep.RemoveForwarding { Forwarding: var forwarding }:
                Require(space.Remove(forwarding), step, "No such file or directory");
                break;
            case NetworkStep.SetSysctl sysctl:
                if (SysctlNames.LinkOf(sysctl.Name) is { } link)
                    LinkOf(space, link, step);
                space.Sysctls[sysctl.Name] = sysctl.Value;
                break;
            default:
                throw new ArgumentException($"There is no step {step.GetType().Name}.", nameof(step));
        }
    }

    private static void Add(NetworkStep step, Space space, LinkAddress address)
    {
        LinkOf(space, address.Link, step);
        RequireIpv6(step, space, address.Link, address.Address);
        var bare = AddressText.Bare(address.Address);
        Require(
            !space.Addresses.Any(there => there.Link == address.Link
                && (there.Address == address.Address || (AddressText.IsIpv6(bare) && AddressText.Bare(there.Address) == bare))),
            step, "File exists");
        space.Addresses.Add(address);
    }

    private static void Remove(NetworkStep step, Space space, LinkAddress address)
    {
        Require(space.Addresses.Remove(address), step, "Cannot assign requested address");
        var bare = AddressText.Bare(address.Address);
        if (!AddressText.IsIpv6(bare))
        {
            // Which one is the first of its network is not known here, so each is taken for it.
            if (space.Sysctls.GetValueOrDefault(SysctlNames.Ipv4(address.Link, "promote_secondaries")) != "1")
                Space.RemoveWhere(space.Addresses, there => there.Link == address.Link && AddressText.AreInOneNetwork(there.Address, address.Address));
            if (!space.Addresses.Any(there => there.Link == address.Link && !AddressText.IsIpv6(there.Address)))
                Space.RemoveWhere(space.Routes, route => route.Link == address.Link && !route.IsIpv6);
        }
        if (!space.Addresses.Any(there => AddressText.Bare(there.Address) == bare))
            Space.RemoveWhere(space.Routes, route => route.Source == bare);
    }

    private static void Add(NetworkStep step, Space space, Route route)
    {
        Require(LinkOf(space, route.Link, step).IsUp == true, step, "Network is down");
        Require(!space.Routes.Any(there => IsSameKey(there, route)), step, "File exists");
        if (route.IsIpv6)
            RequireIpv6(step, space, route.Link, "::");
        if (route.Via is { } via)
        {
            Require(
                space.Addresses.Any(address => address.Link == route.Link && AddressText.IsIpv6(address.Address) == AddressText.IsIpv6(via)
                    && AddressText.IsIn(via, AddressText.NetworkOf(address.Address)))
                || space.Routes.Any(on => on.Via is null && on.Link == route.Link && on.IsIpv6 == route.IsIpv6 && on.Destination != "default"
                    && AddressText.IsIn(via, AddressText.NetworkOf(on.Destination)))
                || via.StartsWith("fe80:", StringComparison.Ordinal),
                step, "Nexthop has invalid gateway.");
        }
        if (route.Source is { } source)
            Require(space.Addresses.Any(address => AddressText.Bare(address.Address) == source), step, "Invalid prefsrc address.");
        space.Routes.Add(route);
    }

    /// <summary>Whether the kernel can have only one of the two.</summary>
    internal static bool IsSameKey(Route one, Route other) =>
        one.Destination == other.Destination && one.IsIpv6 == other.IsIpv6 && one.Table == other.Table && one.Metric == other.Metric;

    private static void Add(NetworkStep step, Space space, Forwarding forwarding)
    {
        var link = LinkOf(space, forwarding.Link, step);
        if (forwarding is { Endpoint: not null, HardwareAddress: ForEverybody })
            Require(!space.Forwardings.Contains(forwarding), step, "File exists");
        Require(forwarding.Endpoint is null ? link.Port is not null : link.Kind == LinkKind.Vxlan, step, "Operation not supported");
        foreach (var there in space.ForwardingsOf(forwarding.HardwareAddress).Where(there => IsReplaced(space, there, link, forwarding)).ToList())
            space.Remove(there);
        space.Add(forwarding);
    }

    private static bool IsReplaced(Space space, Forwarding there, Link link, Forwarding by) => by.Endpoint is not null
        ? there.Endpoint is not null && there.Link == by.Link && by.HardwareAddress != ForEverybody
        : there.Endpoint is null && space.Links.GetValueOrDefault(there.Link)?.Master == link.Master;

    private static void RequireIpv6(NetworkStep step, Space space, string link, string address) =>
        Require(
            !AddressText.IsIpv6(address) || space.Sysctls.GetValueOrDefault(SysctlNames.Ipv6(link, "disable_ipv6")) != "1",
            step, "IPv6 is disabled on this device.");
}
