using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Networks;

/// <summary>
/// Derives what the hosts of a switch are taught of each card on it: README.md says what a port is and where. Owned by the
/// control loop.
/// </summary>
internal sealed class SwitchPorts(NetworkRows rows) : IControlFeature
{
    /// <summary>How many ports were derived, for a look at the work that changes make.</summary>
    public long Derived { get; private set; }

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        foreach (var vnic in Concerned(changes))
        {
            Derived++;
            var before = rows.PortOf(changes.After, vnic);
            var after = PortOf(changes.After, vnic, before);
            if (!Equals(before, after))
                yield return new RowChange(rows.Port, vnic, RowPart.Desired, after);
        }
    }

    /// <summary>The port of a card as it is to be; null for none.</summary>
    private SwitchPortDesired? PortOf(StateSnapshot state, RowKey vnic, SwitchPortDesired? before)
    {
        if (state[rows.Vnic].Find(vnic)?.Desired is not VnicDesired { Macaddr: { } macaddr } card
            || state[rows.Instance].Find(card.Instance)?.Desired is not InstanceDesired { Template: false } instance
            || rows.HolderOf(state, RowKey.Of(card.Instance), before?.Host) is not { } host)
            return null;
        return new SwitchPortDesired
        {
            Vnic = card.Uuid,
            Switch = card.Switch,
            Host = host,
            Endpoint = rows.EndpointOf(state, host),
            Macaddr = macaddr,
            Addresses = Sorted(state[rows.Address].Where("vnic", vnic)
                .Select(row => row.Desired).OfType<AddressDesired>()
                .Where(address => (state[rows.Network].Find(address.Network)?.Desired as NetworkDesired)?.Switch == card.Switch)
                .Select(address => address.Ip).OfType<string>()),
            Name = instance.Name,
            SecurityGroups = Sorted(state[rows.Membership].Where("vnic", vnic)
                .Select(row => row.Desired).OfType<VnicSecurityGroupDesired>()
                .Select(membership => membership.SecurityGroup.ToString())),
        };
    }

    private HashSet<RowKey> Concerned(ChangeSet changes)
    {
        var vnics = new HashSet<RowKey>();
        var hosts = new HashSet<Guid>();
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.HostInstance)
            {
                if (Place(transition.Before) != Place(transition.After))
                    AddCards(changes.After, RowKey.Of(transition.Key.Parts[1]), vnics);
            }
            else if (transition.Entity == rows.HostMigration)
            {
                if (Status(transition.Before) != Status(transition.After))
                    AddCards(changes.After, RowKey.Of(transition.Key.Parts[1]), vnics);
            }
            else if (!transition.Changed(RowPart.Desired))
                continue;
            else if (transition.Entity == rows.Vnic)
                vnics.Add(transition.Key);
            else if (transition.Entity == rows.Address)
                Add(vnics, transition, (AddressDesired row) => row.Vnic);
            else if (transition.Entity == rows.Membership)
                Add(vnics, transition, (VnicSecurityGroupDesired row) => row.Vnic);
            else if (transition.Entity == rows.Instance)
            {
                if (Name(transition.Before) != Name(transition.After))
                    AddCards(changes.After, transition.Key, vnics);
            }
            else if (transition.Entity == rows.Network)
            {
                if (SwitchOf(transition.Before) != SwitchOf(transition.After))
                    vnics.UnionWith(Vnics(changes.After[rows.Address].Where("network", transition.Key)));
            }
            else if (transition.Entity == rows.Bond || transition.Entity == rows.NetRole)
            {
                AddHost(changes.Before, transition.Before, hosts);
                AddHost(changes.After, transition.After, hosts);
            }
        }
        foreach (var host in hosts.Where(host => rows.EndpointOf(changes.Before, host) != rows.EndpointOf(changes.After, host)))
            vnics.UnionWith(changes.After[rows.Port].Where("host", RowKey.Of(host)).Select(port => port.Key));
        return vnics;
    }

    private void AddCards(StateSnapshot state, RowKey instance, HashSet<RowKey> vnics) =>
        vnics.UnionWith(rows.CardsOf(state, instance).Select(card => RowKey.Of(card.Uuid)));

    private void AddHost(StateSnapshot state, Row? row, HashSet<Guid> hosts)
    {
        var host = row?.Desired switch
        {
            BondDesired bond => bond.Host,
            NetRoleDesired role => rows.HostOf(state, role.Bond),
            _ => null,
        };
        if (host is { } found)
            hosts.Add(found);
    }

    private static IEnumerable<RowKey> Vnics(IEnumerable<Row> addresses) =>
        addresses.Select(row => (row.Desired as AddressDesired)?.Vnic).OfType<Guid>().Select(RowKey.Of);

    private static void Add<T>(HashSet<RowKey> vnics, RowTransition transition, Func<T, Guid?> vnic)
        where T : class
    {
        foreach (var part in (ReadOnlySpan<object?>)[transition.Before?.Desired, transition.After?.Desired])
        {
            if (part is T row && vnic(row) is { } found)
                vnics.Add(RowKey.Of(found));
        }
    }

    // What else a place says is nothing to a port.
    private static (bool IsThere, bool IsOrdered, int Liveness) Place(Row? place) =>
        (place is not null, place?.Desired is not null, NetworkRows.Liveness(place));

    private static HostMigrationStatus? Status(Row? part) => (part?.Current as HostMigrationCurrent)?.Status;

    private static (string Name, bool IsTemplate)? Name(Row? row) => row?.Desired is InstanceDesired instance ? (instance.Name, instance.Template) : null;

    private static Guid? SwitchOf(Row? network) => (network?.Desired as NetworkDesired)?.Switch;

    private static TextList Sorted(IEnumerable<string> texts) => TextList.Of(texts.Order(StringComparer.Ordinal));
}
