using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Networks;

/// <summary>What the room's rules ask of the rows. Pure functions of a snapshot, by indexes only.</summary>
internal sealed class NetworkRows(EntityCatalog catalog)
{
    public Entity Address { get; } = catalog["address"];

    public Entity Bond { get; } = catalog["bond"];

    public Entity Host { get; } = catalog["host"];

    public Entity HostInstance { get; } = catalog["host_instance"];

    public Entity HostVnic { get; } = catalog["host_vnic"];

    public Entity HostMigration { get; } = catalog["host_migration"];

    public Entity Instance { get; } = catalog["instance"];

    public Entity Membership { get; } = catalog["vnic_security_group"];

    public Entity NetRole { get; } = catalog["net_role"];

    public Entity Network { get; } = catalog["network"];

    public Entity Port { get; } = catalog["switch_port"];

    public Entity Vnic { get; } = catalog["vnic"];

    public IEnumerable<VnicDesired> CardsOf(StateSnapshot state, RowKey instance) =>
        state[Vnic].Where("instance", instance).Select(row => row.Desired).OfType<VnicDesired>();

    public SwitchPortDesired? PortOf(StateSnapshot state, RowKey vnic) => state[Port].Find(vnic)?.Desired as SwitchPortDesired;

    /// <summary>The host that a bond is on.</summary>
    public Guid? HostOf(StateSnapshot state, Guid bond) => (state[Bond].Find(bond)?.Desired as BondDesired)?.Host;

    /// <summary>Whether the platform routes a network of the switch.</summary>
    public bool IsRouted(StateSnapshot state, Guid on) =>
        state[Network].Where("switch", RowKey.Of(on)).Any(row => row.Desired is NetworkDesired { Routed: true });

    /// <summary>Where other hosts send what is for cards on the host; null while that is nowhere.</summary>
    public string? EndpointOf(StateSnapshot state, Guid host) => state[Bond].Where("host", RowKey.Of(host))
        .SelectMany(bond => state[NetRole].Where("bond", bond.Key))
        .Select(row => row.Desired).OfType<NetRoleDesired>()
        .Where(role => role is { Role: Shared.Entities.NetRole.Virtual, Address: not null })
        .MinBy(role => role.Uuid)?.Address;

    /// <summary>The host whose card of the instance counts; null for an instance without a place.</summary>
    /// <param name="before">The one that counted until now.</param>
    public Guid? HolderOf(StateSnapshot state, RowKey instance, Guid? before)
    {
        var places = state[HostInstance].Where("instance", instance).ToList();
        if (!places.Exists(place => place.Desired is not null))
            return null;
        return places
            .Select(place => (Row: place, Host: Guid.Parse(place.Key.Parts[0])))
            .OrderBy(place => Standing(state, place.Row))
            .ThenBy(place => Liveness(place.Row))
            .ThenBy(place => place.Host != before)
            .ThenBy(place => place.Row.Desired is null)
            .ThenBy(place => place.Host)
            .First().Host;
    }

    /// <summary>
    /// Whether what is at the host is the instance at all; the lowest is the most. While it migrates, a copy without the place is nothing
    /// yet, and what left is nothing any more; a copy with the place is the instance, although it stands still.
    /// </summary>
    public int Standing(StateSnapshot state, Row place) => (state[HostMigration].Find(place.Key)?.Current as HostMigrationCurrent)?.Status switch
    {
        HostMigrationStatus.Arrived when place.Desired is not null => 0,
        HostMigrationStatus.Preparing or HostMigrationStatus.Ready or HostMigrationStatus.Receiving or HostMigrationStatus.Arrived
            or HostMigrationStatus.Left when place.Desired is null => 2,
        _ => 1,
    };

    /// <summary>How much the host has the instance, as far as ports care; the lowest is the most.</summary>
    public static int Liveness(Row? place) => (place?.Current as HostInstanceCurrent)?.Status switch
    {
        InstanceStatus.Running => 0,
        InstanceStatus.Paused => 1,
        _ => 2,
    };
}
