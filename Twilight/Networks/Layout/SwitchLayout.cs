using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>
/// What the links of a switch are to be on a host that carries it: the bridge, its way to other hosts, the cable into its
/// namespace, the taps. Pure.
/// </summary>
/// <remarks>
/// On a VXLAN switch nothing is learnt and nothing flooded: who is on another host stands in the forwarding table, and the bridge
/// answers for it when it is asked for its hardware address. What is for nobody goes nowhere.
/// </remarks>
public sealed class SwitchLayout
{
    /// <summary>Outer Ethernet of the guest's frame, UDP, VXLAN and IPv4 (RFC 7348).</summary>
    private const int OverIpv4 = 50;

    /// <summary>The same over IPv6.</summary>
    private const int OverIpv6 = 70;

    private readonly SwitchDesired _switch;
    private readonly Guid _host;
    private readonly NetworkBuilder _builder;
    private readonly NetworkSubject _subject;
    private readonly string _bridge;

    private SwitchLayout(SwitchDesired @switch, Guid host, NetworkBuilder builder)
    {
        _switch = @switch;
        _host = host;
        _builder = builder;
        _subject = new NetworkSubject.Switch(@switch.Uuid);
        _bridge = LinkNames.Bridge(@switch.Uuid);
    }

    /// <summary>Adds the switch to what is to be.</summary>
    public static void Add(SwitchDesired @switch, SwitchOrders orders, Underlay underlay, Guid host, NetworkBuilder builder)
    {
        var layout = new SwitchLayout(@switch, host, builder);
        var mtu = @switch.Type == SwitchType.Vxlan ? layout.AddVxlan(orders, underlay) : layout.AddTrunk(underlay);
        builder.Mtus[@switch.Uuid] = mtu;
        builder.Links[layout._subject] = layout._bridge;
        builder.Add(new Link
        {
            Name = layout._bridge,
            Kind = LinkKind.Bridge,
            Alias = layout.Alias("switch"),
            HardwareAddress = LinkNames.ServiceHardwareAddress(@switch.Uuid),
            IsUp = true,
            Mtu = mtu,
        });
        var served = ServedNetworks.Of(orders.Networks[@switch.Uuid]);
        foreach (var problem in served.Problems)
            builder.Note(layout._subject, problem);
        if (served.Networks.Length > 0)
            layout.AddService(served, mtu);
        // While its instance comes here from another host a card still is there.
        var coming = @switch.Type == SwitchType.Bridge ? [] : orders.Ports[@switch.Uuid]
            .Where(port => port.Host != host && port.Endpoint is not null).Select(port => port.Vnic).ToHashSet();
        foreach (var vnic in orders.Vnics[@switch.Uuid])
            layout.AddTap(vnic, mtu, coming.Contains(vnic.Uuid));
    }

    private int AddVxlan(SwitchOrders orders, Underlay underlay)
    {
        if (underlay.Virtual is not { Address: { } local } role)
        {
            _builder.Faults[_subject] = "The host has no network role virtual with an address, so the switch reaches no other host.";
            return Underlay.DefaultMtu - OverIpv4;
        }
        var mtu = role.Mtu - (local.Contains(':', StringComparison.Ordinal) ? OverIpv6 : OverIpv4);
        var name = LinkNames.Vxlan(_switch.Uuid);
        _builder.Add(new Link
        {
            Name = name,
            Kind = LinkKind.Vxlan,
            Alias = Alias("vxlan of switch"),
            IsUp = true,
            Mtu = mtu,
            Master = _bridge,
            Vxlan = new VxlanSettings(_switch.Tag ?? 0, local),
            Port = new BridgePortSettings(Learns: false, Floods: false, SuppressesNeighbours: true),
        });
        foreach (var port in orders.Ports[_switch.Uuid].Where(port => port.Host != _host && port.Endpoint is not null))
        {
            _builder.Add(new Forwarding(name, port.Macaddr, port.Endpoint));
            _builder.Add(new Forwarding(name, port.Macaddr));
            foreach (var address in port.Addresses)
                _builder.Add(new Neighbour(_bridge, address, port.Macaddr));
        }
        return mtu;
    }

    private int AddTrunk(Underlay underlay)
    {
        var trunk = underlay.TrunkOf(_switch.Tag);
        if (trunk.Link is not { } link)
        {
            _builder.Faults[_subject] = trunk.Why ?? "";
            return Underlay.DefaultMtu;
        }
        var port = new BridgePortSettings(Learns: true, Floods: true, SuppressesNeighbours: false);
        if (trunk.Vlan is { } vlan)
        {
            _builder.Links[new NetworkSubject.Vlan(trunk.Bond, vlan.Vlan!.Tag)] = vlan.Name;
            _builder.Add(vlan with { Master = _bridge, Port = port });
        }
        else
        {
            _builder.Change(link, below => below with { Master = _bridge, Port = port });
        }
        return trunk.Mtu;
    }

    /// <summary>The cable into the namespace of the switch, where the platform has its addresses.</summary>
    private void AddService(ServedNetworks served, int mtu)
    {
        var space = LinkNames.Namespace(_switch.Uuid);
        var address = LinkNames.ServiceHardwareAddress(_switch.Uuid);
        var outer = LinkNames.Service(_switch.Uuid);
        _builder.Add(new Link
        {
            Name = outer,
            Kind = LinkKind.Veth,
            Alias = Alias("service of switch"),
            IsUp = true,
            Mtu = mtu,
            Master = _bridge,
            Veth = new VethSettings(space, ServedNetworks.Guests),
            Port = new BridgePortSettings(Learns: false, Floods: true, SuppressesNeighbours: false),
        });
        _builder.Add(new Forwarding(outer, address));
        _builder.Add(
            new Link
            {
                Name = ServedNetworks.Guests,
                Kind = LinkKind.Veth,
                Alias = Alias("guests of switch"),
                HardwareAddress = address,
                IsUp = true,
                Mtu = mtu,
                Veth = new VethSettings(NetworkState.Host, outer),
            },
            space);
        foreach (var network in served.Networks)
        {
            if (network.Row.VlanTag is { } tag)
            {
                _builder.Add(
                    new Link
                    {
                        Name = network.Link,
                        Kind = LinkKind.Vlan,
                        Alias = Alias($"guests of VLAN {tag} of switch"),
                        IsUp = true,
                        Vlan = new VlanSettings(ServedNetworks.Guests, tag),
                    },
                    space);
            }
            _builder.Add(new LinkAddress(network.Link, network.OwnWithPrefix), space);
            if (!network.IsIpv6)
                AddMetadata(network.Link, space);
        }
    }

    /// <summary>Where guests ask for their metadata. When it asks who has a guest's address it says another of its own, which the guest knows the way to.</summary>
    private void AddMetadata(string link, string space)
    {
        _builder.Add(new LinkAddress(link, MetadataAddress.Network), space);
        _builder.Add(new NamespaceState { Sysctls = new NamespaceState().Sysctls.SetItem(SysctlNames.Ipv4(link, "arp_announce"), "2") }, space);
    }

    private void AddTap(VnicDesired vnic, int mtu, bool isComing)
    {
        var name = LinkNames.Tap(vnic.Uuid);
        _builder.Links[new NetworkSubject.Vnic(vnic.Uuid)] = name;
        _builder.Add(new Link
        {
            Name = name,
            Kind = LinkKind.Tap,
            Alias = new TapAlias(vnic.Uuid, vnic.Switch, vnic.Instance).ToString(),
            IsUp = true,
            Mtu = mtu,
            Master = _bridge,
            Port = new BridgePortSettings(Learns: true, Floods: true, SuppressesNeighbours: false),
        });
        if (!isComing)
            _builder.Add(new Forwarding(name, vnic.Macaddr!));
    }

    private string Alias(string what) => $"{Marks.Alias} {what} {_switch.Uuid}";
}
