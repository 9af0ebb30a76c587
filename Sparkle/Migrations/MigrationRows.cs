using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>What the room's rules ask of the rows. Pure functions of a snapshot, by indexes only.</summary>
internal sealed class MigrationRows(EntityCatalog catalog)
{
    public Entity Host { get; } = catalog["host"];

    public Entity HostInstance { get; } = catalog["host_instance"];

    public Entity Instance { get; } = catalog["instance"];

    public Entity Order { get; } = catalog["migration"];

    /// <summary>What hosts are told of a migration, and what they say of it.</summary>
    public Entity Part { get; } = catalog["host_migration"];

    public Entity Copy { get; } = catalog["host_volume_copy"];

    public Entity Keeper { get; } = catalog["host_volume"];

    public Entity Tombstone { get; } = catalog["tombstone"];

    public Entity Vdisk { get; } = catalog["vdisk"];

    public Entity Volume { get; } = catalog["volume"];

    public InstanceDesired? InstanceOf(StateSnapshot state, Guid instance) => state[Instance].Find(instance)?.Desired as InstanceDesired;

    public MigrationDesired? OrderOf(StateSnapshot state, Guid instance) => state[Order].Find(instance)?.Desired as MigrationDesired;

    /// <summary>Whether there is anything of a migration, ordered, told or said, or copied for it.</summary>
    public bool IsOpen(StateSnapshot state, Guid instance) =>
        state[Order].Find(instance) is not null
        || state[Part].CountWhere("instance", instance.ToString()) > 0
        || state[Copy].CountWhere("instance", instance.ToString()) > 0;

    /// <summary>The host where the instance is to be.</summary>
    public Guid? PlaceOf(StateSnapshot state, Guid instance) => state[HostInstance].Where("instance", instance.ToString())
        .Select(row => row.Desired).OfType<HostInstanceDesired>().FirstOrDefault(place => place.Instance == instance)?.Host;

    /// <summary>What every host that may have to do with the instance says and was told.</summary>
    public IReadOnlyList<HostWord> WordsOf(StateSnapshot state, Guid instance)
    {
        var text = instance.ToString();
        var hosts = new SortedSet<Guid>();
        foreach (var row in state[Part].Where("instance", text))
        {
            hosts.Add(Guid.Parse(row.Key.Parts[0]));
            if (row.Current is HostMigrationCurrent { PeerHost: { } peer })
                hosts.Add(peer);
        }
        hosts.UnionWith(state[Copy].Where("instance", text).Select(row => Guid.Parse(row.Key.Parts[0])));
        hosts.UnionWith(state[HostInstance].Where("instance", text).Select(row => Guid.Parse(row.Key.Parts[0])));
        if (OrderOf(state, instance) is { } order)
            hosts.Add(order.DestinationHost);
        return [.. hosts.Select(host => WordOf(state, host, text))];
    }

    private HostWord WordOf(StateSnapshot state, Guid host, string instance)
    {
        var key = RowKey.Of(host.ToString(), instance);
        var row = state[Host].Find(host);
        var current = row?.Current as HostCurrent;
        var part = state[Part].Find(key);
        var place = state[HostInstance].Find(key);
        return new HostWord
        {
            Host = host,
            Name = (row?.Desired as HostDesired)?.Name ?? host.ToString(),
            IsThere = row?.Desired is HostDesired { State: not HostState.Gone },
            IsPresent = current is { Status: HostStatus.Present },
            HasPlace = place?.Desired is not null,
            Instance = place?.Current as HostInstanceCurrent,
            Said = part?.Current as HostMigrationCurrent,
            Told = part?.Desired as HostMigrationDesired,
            Endpoint = current?.TransferEndpoint,
            Fingerprint = current?.TransferFingerprint,
        };
    }
}
