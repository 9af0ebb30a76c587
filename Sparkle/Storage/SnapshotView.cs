using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Storage;

/// <summary>Derives how a snapshot of a volume is from what the volume's keeper reports. Owned by the control loop.</summary>
internal sealed class SnapshotView(EntityCatalog catalog, StorageRows rows) : IControlFeature
{
    private readonly Entity _snapshot = catalog["snapshot"];
    private readonly Entity _hostSnapshot = catalog["host_snapshot"];

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        var snapshots = new HashSet<RowKey>();
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == _snapshot && transition.Changed(RowPart.Desired))
                snapshots.Add(transition.Key);
            else if (transition.Entity == _hostSnapshot)
                snapshots.Add(RowKey.Of(transition.Key.Parts[1]));
            else if (transition.Entity == rows.HostVolume && transition.Changed(RowPart.Desired))
                snapshots.UnionWith(changes.After[_snapshot].Where("volume", transition.Key.Parts[1]).Select(row => row.Key));
        }
        foreach (var key in snapshots)
        {
            if (changes.After[_snapshot].Find(key) is { } row)
                yield return new RowChange(_snapshot, key, RowPart.Current, Describe(changes.After, row));
        }
    }

    private SnapshotCurrent? Describe(StateSnapshot state, Row row)
    {
        // What is of a whole instance is with its volumes.
        if (row.Desired is not SnapshotDesired { Volume: { } volume } snapshot)
            return null;
        if (rows.KeepingHostOf(state, volume) is not { } keeper)
            return Waiting(snapshot, "No host keeps its volume.");
        if (state[_hostSnapshot].Find(RowKey.Of(keeper.ToString(), snapshot.Uuid.ToString()))?.Current is not HostSnapshotCurrent taken)
            return Waiting(snapshot, "The host that keeps its volume has not reported it yet.");
        return new SnapshotCurrent
        {
            Uuid = snapshot.Uuid,
            Status = taken.Status switch
            {
                StorageStatus.Ready => SnapshotStatus.Ready,
                StorageStatus.Preparing => SnapshotStatus.Preparing,
                _ => SnapshotStatus.Broken,
            },
            Taken = taken.Taken,
            Why = taken.Why,
        };
    }

    private static SnapshotCurrent Waiting(SnapshotDesired snapshot, string why) => new()
    {
        Uuid = snapshot.Uuid,
        Status = SnapshotStatus.Waiting,
        Why = why,
    };
}
