using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What was ordered of the host's own network: cards, bonds, and what they are for.</summary>
/// <remarks>Apart from the switches, since it is tried, kept and put back by itself.</remarks>
public sealed record HostOrders(TypedRows<NicDesired> Nics, TypedRows<BondDesired> Bonds, TypedRows<NetRoleDesired> Roles)
{
    public static HostOrders None { get; } = new(new([]), new([]), new([]));

    /// <summary>The cards of a bond, in the order of their addresses.</summary>
    public IEnumerable<NicDesired> NicsOf(Guid bond) =>
        Nics.Where(nic => nic.Bond == bond).OrderBy(nic => nic.Hwaddr, StringComparer.Ordinal);

    public static HostOrders Read(StateSnapshot replica, EntityCatalog catalog, Guid host)
    {
        var bonds = TypedRows.Of(TypedRows.In<BondDesired>(replica, catalog["bond"]).Where(bond => bond.Host == host), bond => bond.Uuid.ToString());
        var uuids = bonds.Select(bond => bond.Uuid).ToHashSet();
        return new HostOrders(
            TypedRows.Of(TypedRows.In<NicDesired>(replica, catalog["nic"]).Where(nic => nic.Host == host), nic => nic.Hwaddr),
            bonds,
            TypedRows.Of(TypedRows.In<NetRoleDesired>(replica, catalog["net_role"]).Where(role => uuids.Contains(role.Bond)), role => role.Uuid.ToString()));
    }
}

/// <summary>What was ordered of switches, and of the cards of instances that have a place on the host or come to it.</summary>
public sealed record SwitchOrders
{
    public static SwitchOrders None { get; } = new();

    public IReadOnlyList<SwitchDesired> Switches { get; init; } = [];

    /// <summary>By switch.</summary>
    public ILookup<Guid, NetworkDesired> Networks { get; init; } = Array.Empty<NetworkDesired>().ToLookup(network => network.Switch);

    /// <summary>Every network that the host was told of, those of floating addresses included.</summary>
    public IReadOnlyDictionary<Guid, NetworkDesired> NetworksByUuid { get; init; } = new Dictionary<Guid, NetworkDesired>();

    /// <summary>By network.</summary>
    public ILookup<Guid, RouteDesired> Routes { get; init; } = Array.Empty<RouteDesired>().ToLookup(route => route.Network);

    /// <summary>The cards of instances that have a place here, by switch.</summary>
    public ILookup<Guid, VnicDesired> Vnics { get; init; } = Array.Empty<VnicDesired>().ToLookup(vnic => vnic.Switch);

    /// <summary>Those of these cards, by card.</summary>
    public ILookup<Guid, AddressDesired> Addresses { get; init; } = Array.Empty<AddressDesired>().ToLookup(address => address.Vnic ?? Guid.Empty);

    /// <summary>The cards on the switches that the host carries, wherever they are, by switch.</summary>
    public ILookup<Guid, SwitchPortDesired> Ports { get; init; } = Array.Empty<SwitchPortDesired>().ToLookup(port => port.Switch);

    public IReadOnlyDictionary<Guid, InstanceDesired> Instances { get; init; } = new Dictionary<Guid, InstanceDesired>();

    /// <summary>By card.</summary>
    public ILookup<Guid, Guid> GroupsOf { get; init; } = Array.Empty<VnicSecurityGroupDesired>().ToLookup(one => one.Vnic, one => one.SecurityGroup);

    /// <summary>By group.</summary>
    public ILookup<Guid, SecurityRuleDesired> Rules { get; init; } = Array.Empty<SecurityRuleDesired>().ToLookup(rule => rule.SecurityGroup);

    public static SwitchOrders Read(StateSnapshot replica, EntityCatalog catalog, Guid host)
    {
        IEnumerable<T> Rows<T>(string entity)
            where T : class => TypedRows.In<T>(replica, catalog[entity]);
        // What comes here from another host needs its cards before it is here.
        var coming = Rows<HostMigrationDesired>("host_migration").Where(order => order.Host == host && HostMigrations.IsComing(order.Role))
            .Select(order => order.Instance);
        var placed = Rows<HostInstanceDesired>("host_instance").Where(place => place.Host == host).Select(place => place.Instance)
            .Concat(coming).ToHashSet();
        var vnics = Rows<VnicDesired>("vnic").Where(vnic => placed.Contains(vnic.Instance) && vnic.Macaddr is not null).ToList();
        var carried = vnics.Select(vnic => vnic.Switch).ToHashSet();
        var own = vnics.Select(vnic => vnic.Uuid).ToHashSet();
        var networks = Rows<NetworkDesired>("network").ToList();
        return new SwitchOrders
        {
            Switches = [.. Rows<SwitchDesired>("switch").Where(one => carried.Contains(one.Uuid)).OrderBy(one => one.Uuid)],
            Networks = networks.Where(network => carried.Contains(network.Switch)).OrderBy(network => network.Uuid).ToLookup(network => network.Switch),
            NetworksByUuid = networks.ToDictionary(network => network.Uuid),
            Routes = Rows<RouteDesired>("route").OrderBy(route => route.Route, StringComparer.Ordinal).ToLookup(route => route.Network),
            Vnics = vnics.OrderBy(vnic => vnic.Uuid).ToLookup(vnic => vnic.Switch),
            Addresses = Rows<AddressDesired>("address").Where(address => address.Vnic is { } vnic && own.Contains(vnic))
                .OrderBy(address => address.Uuid).ToLookup(address => address.Vnic!.Value),
            Ports = Rows<SwitchPortDesired>("switch_port").Where(port => carried.Contains(port.Switch)).OrderBy(port => port.Vnic).ToLookup(port => port.Switch),
            Instances = Rows<InstanceDesired>("instance").Where(instance => placed.Contains(instance.Uuid)).ToDictionary(instance => instance.Uuid),
            GroupsOf = Rows<VnicSecurityGroupDesired>("vnic_security_group").Where(one => own.Contains(one.Vnic))
                .OrderBy(one => one.SecurityGroup).ToLookup(one => one.Vnic, one => one.SecurityGroup),
            Rules = Rows<SecurityRuleDesired>("security_rule").OrderBy(rule => rule.Uuid).ToLookup(rule => rule.SecurityGroup),
        };
    }
}
