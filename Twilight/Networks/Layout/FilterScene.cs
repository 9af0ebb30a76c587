using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What the packet filter is to know. Pure.</summary>
public static class FilterScene
{
    /// <param name="before">What it was told last: of a guest that the controller has forgotten nothing else says who it is.</param>
    public static FilterInput Of(SwitchOrders orders, NetworkLayout layout, FilterInput before, bool tracksConnections)
    {
        var switches = orders.Switches.Select(one => Switch(one, orders, layout)).ToDictionary(one => one.Bridge, StringComparer.Ordinal);
        var cards = orders.Vnics.SelectMany(vnics => vnics).Select(vnic => Card(vnic, orders)).ToList();
        foreach (var held in layout.Held)
        {
            var bridge = LinkNames.Bridge(held.Alias.Switch);
            var known = before.Cards.FirstOrDefault(card => card.Tap == held.Link);
            if (known is null && !held.IsUnplugged)
                continue;
            if (!switches.ContainsKey(bridge))
            {
                switches.Add(bridge, before.Switches.FirstOrDefault(one => one.Bridge == bridge)
                    ?? new FilterSwitch(bridge, null, null, IsVxlan: true, HasNetworks: true, ImmutableSortedSet<int>.Empty));
            }
            cards.Add((known ?? Nobody(held, bridge)) with { IsUp = !held.IsUnplugged && known!.IsUp });
        }
        var used = cards.SelectMany(card => card.Groups).ToHashSet();
        return new FilterInput
        {
            Switches = [.. switches.Values.OrderBy(one => one.Bridge, StringComparer.Ordinal)],
            Cards = cards,
            Groups = [.. used.Order().Select(group => new FilterGroup(group, [.. orders.Rules[group]]))],
            Members = [.. orders.Ports.SelectMany(ports => ports).SelectMany(Members)],
            TracksConnections = tracksConnections,
        };
    }

    private static FilterSwitch Switch(SwitchDesired one, SwitchOrders orders, NetworkLayout layout)
    {
        var here = layout.Wanted[NetworkState.Host];
        var bridge = LinkNames.Bridge(one.Uuid);
        var service = LinkNames.Service(one.Uuid);
        return new FilterSwitch(
            bridge,
            here.Links.ContainsKey(service) ? service : null,
            here.Links.Values.FirstOrDefault(link => link.Master == bridge && link.Kind is not LinkKind.Tap and not LinkKind.Veth)?.Name
                ?? here.Links.Values.FirstOrDefault(link => link.Master == bridge && link.IsCard)?.Name,
            one.Type == SwitchType.Vxlan,
            orders.Networks[one.Uuid].Any(),
            [.. orders.Networks[one.Uuid].Select(network => network.VlanTag).OfType<int>()]);
    }

    private static FilterCard Card(VnicDesired vnic, SwitchOrders orders) => new()
    {
        Vnic = vnic.Uuid,
        Tap = LinkNames.Tap(vnic.Uuid),
        Bridge = LinkNames.Bridge(vnic.Switch),
        HardwareAddress = vnic.Macaddr!,
        Addresses = [.. orders.Addresses[vnic.Uuid]
            .Where(address => address.Ip is not null && orders.NetworksByUuid.GetValueOrDefault(address.Network)?.Switch == vnic.Switch)
            .Select(address => new FilterAddress(address.Ip!, orders.NetworksByUuid[address.Network].VlanTag))],
        IsUp = vnic.Link == VnicLink.Up,
        Groups = [.. orders.GroupsOf[vnic.Uuid]],
        InMbit = vnic.BandwidthInMbit,
        OutMbit = vnic.BandwidthOutMbit,
    };

    private static FilterCard Nobody(HeldTap held, string bridge) => new()
    {
        Vnic = held.Alias.Vnic,
        Tap = held.Link,
        Bridge = bridge,
        HardwareAddress = "02:00:00:00:00:00",
    };

    private static IEnumerable<FilterMember> Members(SwitchPortDesired port) =>
        port.SecurityGroups.Select(group => new FilterMember(Guid.Parse(group), LinkNames.Bridge(port.Switch), port.Macaddr, [.. port.Addresses]));
}
