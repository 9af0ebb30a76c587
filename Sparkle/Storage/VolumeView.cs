using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Sparkle.Storage;

/// <summary>Derives how a volume is from what its keeper reports, and why there is none, for its owner. Owned by the control loop.</summary>
/// <remarks>What a silent host last said is shown with its age, never as something else.</remarks>
internal sealed class VolumeView(StorageRows rows, VolumePlaces places, ExtentPlacement extents) : IControlFeature
{
    private StateSnapshot? _state;

    public IEnumerable<RowChange> Derive(ChangeSet changes) => Describe(changes.After, Concerned(changes));

    public void Settled(ChangeSet changes) => _state = changes.After;

    /// <summary>What keeps a volume waiting is found in its own time, with no change to the state; that is shown here.</summary>
    public IEnumerable<RowChange> Tick(TimeSpan now) =>
        _state is null ? [] : Describe(_state, [.. places.TakeExplained(), .. extents.TakeExplained()]);

    private HashSet<Guid> Concerned(ChangeSet changes)
    {
        var volumes = new HashSet<Guid>();
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.Volume && transition.Changed(RowPart.Desired))
                volumes.Add(Guid.Parse(transition.Key.Text));
            else if (transition.Entity == rows.HostVolume)
                volumes.Add(Guid.Parse(transition.Key.Parts[1]));
            else if (transition.Entity == rows.Host && LastSeen(transition.Before) != LastSeen(transition.After))
                volumes.UnionWith(changes.After[rows.HostVolume].Where("host", transition.Key).Select(row => Guid.Parse(row.Key.Parts[1])));
        }
        return volumes;
    }

    private IEnumerable<RowChange> Describe(StateSnapshot state, IReadOnlyCollection<Guid> volumes)
    {
        foreach (var uuid in volumes)
        {
            if (state[rows.Volume].Find(uuid) is { } row && (row.Desired ?? row.Current) is not null)
                yield return new RowChange(rows.Volume, row.Key, RowPart.Current, Describe(state, row));
        }
    }

    private VolumeCurrent? Describe(StateSnapshot state, Row row)
    {
        if (row.Desired is not VolumeDesired volume)
            return null;
        var missing = places.WhyNot(volume.Uuid) ?? extents.WhyNot(volume.Uuid);
        if (rows.KeeperOf(state, volume.Uuid) is not { } keeper)
        {
            return new VolumeCurrent
            {
                Uuid = volume.Uuid,
                Status = volume.Content == VolumeContent.Made
                    ? rows.PoolOf(state, volume.StoragePool) is { Shareable: false } ? VolumeStatus.Lost : VolumeStatus.Waiting
                    : volume.State == VolumeState.Present ? VolumeStatus.Waiting : VolumeStatus.Absent,
                Why = missing,
            };
        }
        var since = LastSeen(state[rows.Host].Find(RowKey.Of(keeper.Key.Parts[0])));
        if (keeper.Current is not HostVolumeCurrent kept)
        {
            return new VolumeCurrent
            {
                Uuid = volume.Uuid,
                Status = VolumeStatus.Waiting,
                Why = missing ?? "Its host has not reported it yet.",
                StaleSince = since,
            };
        }
        return new VolumeCurrent
        {
            Uuid = volume.Uuid,
            Status = kept.Status switch
            {
                StorageStatus.Ready => VolumeStatus.Ready,
                StorageStatus.Preparing => VolumeStatus.Preparing,
                _ => VolumeStatus.Broken,
            },
            Size = kept.Size,
            Allocated = kept.Allocated,
            Progress = kept.Progress,
            Bytes = kept.Bytes,
            Rate = kept.Rate,
            Why = missing ?? kept.Why,
            StaleSince = since,
        };
    }

    private static DateTimeOffset? LastSeen(Row? host) => (host?.Current as HostCurrent)?.LastSeen;
}
