using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Links: what stands on what, who is whose port.</summary>
public sealed partial class KernelModel
{
    internal const int DefaultMtu = 1500;

    /// <summary>What a bridge does with a new port.</summary>
    internal static readonly BridgePortSettings DefaultPort = new(Learns: true, Floods: true, SuppressesNeighbours: false);

    /// <summary>What VXLAN puts around a packet.</summary>
    internal static int OverheadOf(VxlanSettings vxlan) => AddressText.IsIpv6(vxlan.Local) ? 70 : 50;

    /// <summary>Only one tunnel of an id can listen at a port.</summary>
    internal static bool Collide(VxlanSettings one, VxlanSettings other) =>
        one.Id == other.Id && one.Port == other.Port && AddressText.IsIpv6(one.Local) == AddressText.IsIpv6(other.Local);

    private void Add(NetworkStep.AddLink step, Space space)
    {
        var link = step.Link;
        Require(!space.Links.ContainsKey(link.Name), step, "File exists");
        Require(link.Kind is not (LinkKind.Card or LinkKind.Other), step, "Unknown device type");
        var below = link.Vlan?.Parent ?? link.Vxlan?.Device;
        var parent = below is null ? null : LinkOf(space, below, step);
        var master = string.IsNullOrEmpty(link.Master) ? null : LinkOf(space, link.Master, step);
        Require(master is null or { Kind: LinkKind.Bridge } || (master.Kind == LinkKind.Bond && link.IsUp != true), step, "Operation not supported");
        Require(master is null || parent is null || !IsAbove(space, parent.Name, master.Name), step, "Device or resource busy");
        var mtuMax = MtuMaxOf(link, parent);
        Require(link.Mtu is null || link.Mtu <= (mtuMax ?? int.MaxValue), step, "Numerical result out of range");
        if (link.Vlan is { } vlan)
        {
            Require(!space.Links.Values.Any(other => other.Vlan == vlan), step, "8021q: VLAN device already exists");
            Require(link.IsUp != true || parent!.IsUp == true, step, "Network is down");
        }
        if (link.Vxlan is { } vxlan)
            Require(!space.Links.Values.Any(other => other.Vxlan is { } there && Collide(there, vxlan)), step, "A VXLAN device with the specified VNI already exists");
        var made = link with
        {
            Mtu = link.Mtu ?? mtuMax ?? DefaultMtu,
            IsUp = (link.IsUp ?? false) || master?.Kind == LinkKind.Bond,
            Master = link.Master ?? "",
            Port = master?.Kind == LinkKind.Bridge ? link.Port ?? DefaultPort : null,
        };
        if (link.Veth is { } cable)
            AddPeer(step, cable);
        space.Links.Add(link.Name, made);
    }

    private void AddPeer(NetworkStep.AddLink step, VethSettings cable)
    {
        var there = _spaces.GetValueOrDefault(cable.PeerNamespace) ?? throw new NetworkException("Cannot open network namespace", step);
        Require(!there.IsBroken, step, "Invalid argument");
        Require(!there.Links.ContainsKey(cable.Peer) && (cable.PeerNamespace != step.Namespace || cable.Peer != step.Link.Name), step, "File exists");
        there.Links.Add(cable.Peer, new Link
        {
            Name = cable.Peer,
            Kind = LinkKind.Veth,
            HardwareAddress = step.Peer?.HardwareAddress,
            Mtu = step.Peer?.Mtu ?? DefaultMtu,
            IsUp = false,
            Master = "",
            Veth = new VethSettings(step.Namespace, step.Link.Name),
        });
    }

    private void Drop(string name, Space space, string link)
    {
        if (!space.Links.TryGetValue(link, out var gone))
            return;
        foreach (var above in space.Above(link).ToList())
            Drop(name, space, above.Name);
        foreach (var port in space.PortsOf(link).ToList())
            Release(space, port);
        if (gone.Master is { Length: > 0 })
            Release(space, gone);
        SetDown(space, link);
        space.Links.Remove(link);
        Space.RemoveWhere(space.Addresses, address => address.Link == link);
        Space.RemoveWhere(space.Routes, route => route.Link == link);
        space.RemoveNeighbours(link);
        space.RemoveForwardings(link, _ => true);
        foreach (var sysctl in SysctlNames.OfLink(link))
            space.Sysctls.Remove(sysctl);
        if (gone.Veth is { } cable && _spaces.GetValueOrDefault(cable.PeerNamespace) is { } there)
            Drop(cable.PeerNamespace, there, cable.Peer);
    }

    private static void Change(NetworkStep.ChangeLink step, Space space)
    {
        var change = step.Change;
        var link = LinkOf(space, change.Name, step);
        var parent = (link.Vlan?.Parent ?? link.Vxlan?.Device) is { } below ? space.Links.GetValueOrDefault(below) : null;
        Require(change.Mtu is null || change.Mtu <= (MtuMaxOf(link, parent) ?? int.MaxValue), step, "Numerical result out of range");
        if (change.Vxlan is { } vxlan)
            Require(link.Vxlan is { } there && there with { Local = vxlan.Local } == vxlan && AddressText.IsIpv6(there.Local) == AddressText.IsIpv6(vxlan.Local), step, "Operation not supported");
        Require(change.Bond is null && change.Vlan is null && change.Veth is null, step, "Operation not supported");
        if (change.Master is { Length: > 0 } wanted && wanted != link.Master)
        {
            var master = LinkOf(space, wanted, step);
            Require(master.Kind is LinkKind.Bridge or LinkKind.Bond, step, "Operation not supported");
            Require(!IsAbove(space, link.Name, master.Name), step, "Device or resource busy");
            Require(master.Kind != LinkKind.Bond || link.IsUp != true, step, "Device can not be enslaved while up.");
        }
        var isPort = (change.Master ?? link.Master) is { Length: > 0 } at && space.Links.GetValueOrDefault(at)?.Kind == LinkKind.Bridge;
        Require(change.Port is null || isPort, step, "Operation not supported");
        Require(change.IsUp != true || link.IsUp == true || link.Vlan is null || parent?.IsUp == true, step, "Network is down");

        if (change.Master is { } to && to != link.Master)
            SetMaster(space, link.Name, to);
        link = space.Links[link.Name];
        space.Links[link.Name] = link = link with
        {
            Alias = change.Alias ?? link.Alias,
            Vxlan = change.Vxlan ?? link.Vxlan,
            Port = isPort ? change.Port ?? link.Port : null,
        };
        if (change.HardwareAddress is { } address)
            SetAddress(space, link.Name, address);
        if (change.Mtu is { } mtu)
            SetMtu(space, link.Name, mtu);
        if (change.IsUp == false)
            SetDown(space, link.Name);
        else if (change.IsUp == true && link.IsUp != true)
            SetUp(space, link.Name);
    }

    private static void Change(NetworkStep.ChangeBond change, Space space)
    {
        var link = LinkOf(space, change.Bond, change);
        Require(link.Bond is not null, change, "Operation not supported");
        Require(change.Mode is null || !space.PortsOf(link.Name).Any(), change, "unable to set option because the bond device has slaves.");
        Require((change.Mode is null && change.LacpRate is null) || link.IsUp != true, change, "unable to set option because the bond is up.");
        var mode = change.Mode ?? link.Bond!.Mode;
        Require(change.LacpRate is null || mode == BondMode.Lacp, change, "option not supported in mode.");
        space.Links[link.Name] = link with
        {
            Bond = new BondSettings(mode, change.LacpRate ?? link.Bond!.LacpRate, change.XmitHashPolicy ?? link.Bond!.XmitHashPolicy),
        };
    }

    /// <summary>Whether a link is another one, or stands on it in whatever way.</summary>
    private static bool IsAbove(Space space, string link, string below) =>
        link == below
        || (space.Links[below].Master is { Length: > 0 } master && IsAbove(space, link, master))
        || space.Above(below).Any(above => IsAbove(space, link, above.Name));

    private static int? MtuMaxOf(Link link, Link? parent) => parent?.Mtu switch
    {
        { } mtu when link.Vlan is not null => mtu,
        { } mtu when link.Vxlan is { } vxlan => mtu - OverheadOf(vxlan),
        _ => null,
    };

    private static void SetAddress(Space space, string name, string address)
    {
        space.Links[name] = space.Links[name] with { HardwareAddress = address };
        if (space.Links[name].Kind != LinkKind.Bond)
            return;
        foreach (var port in space.PortsOf(name).ToList())
            SetAddress(space, port.Name, address);
    }

    private static void SetMtu(Space space, string name, int mtu)
    {
        var link = space.Links[name];
        space.Links[name] = link with { Mtu = mtu };
        if (link.Kind == LinkKind.Bond)
        {
            foreach (var port in space.PortsOf(name).ToList())
                SetMtu(space, port.Name, mtu);
        }
        foreach (var above in space.Above(name).Where(above => above.Vlan is not null && above.Mtu > mtu).ToList())
            SetMtu(space, above.Name, mtu);
    }

    private static void SetMaster(Space space, string name, string to)
    {
        if (space.Links[name].Master is { Length: > 0 })
            Release(space, space.Links[name]);
        if (to.Length == 0)
            return;
        var master = space.Links[to];
        space.Links[name] = space.Links[name] with { Master = to, Port = master.Kind == LinkKind.Bridge ? DefaultPort : null };
        if (master.Kind != LinkKind.Bond)
            return;
        // Its address is the bond's, or the bond's is that of its first card.
        if (master.HardwareAddress is { } address)
            SetAddress(space, name, address);
        else
            space.Links[to] = master with { HardwareAddress = space.Links[name].HardwareAddress };
        SetMtu(space, name, master.Mtu ?? DefaultMtu);
        SetUp(space, name);
    }

    private static void Release(Space space, Link port)
    {
        var master = space.Links.GetValueOrDefault(port.Master ?? "");
        space.Links[port.Name] = space.Links[port.Name] with { Master = "", Port = null };
        if (master?.Kind == LinkKind.Bond)
        {
            SetDown(space, port.Name);
            if (port.PermanentAddress is { } address)
                SetAddress(space, port.Name, address);
            // The last card takes the address with it, and the bond gets another one.
            if (!space.PortsOf(master.Name).Any())
                space.Links[master.Name] = space.Links[master.Name] with { HardwareAddress = null };
            return;
        }
        space.RemoveForwardings(port.Name, forwarding => forwarding.Endpoint is null);
    }

    private static void SetUp(Space space, string name)
    {
        space.Links[name] = space.Links[name] with { IsUp = true };
        foreach (var above in space.Links.Values.Where(above => above.Vlan?.Parent == name && above.IsUp != true).ToList())
            SetUp(space, above.Name);
    }

    private static void SetDown(Space space, string name)
    {
        var link = space.Links[name];
        if (link.IsUp != true)
            return;
        space.Links[name] = link with { IsUp = false };
        Space.RemoveWhere(space.Routes, route => route.Link == name);
        space.RemoveNeighbours(name);
        Space.RemoveWhere(space.Addresses, address => address.Link == name && AddressText.IsIpv6(address.Address));
        foreach (var above in space.Links.Values.Where(above => above.Vlan?.Parent == name).ToList())
            SetDown(space, above.Name);
    }
}
