using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Placement;

/// <summary>
/// Derives what an instance is doing from what its host reports, so that its owner sees one answer without knowing the
/// host. Owned by the control loop.
/// </summary>
/// <remarks>
/// When several hosts report an instance (one is giving it up), the host that is to have it counts; else the one where it
/// is most alive. What a silent host last said is shown with its age, never as something else. While it migrates, neither a copy that
/// stands still nor what is left at the source is the instance: it runs until it has left, and is migrating until it goes on.
/// </remarks>
public sealed class InstanceView(EntityCatalog catalog, Scheduler scheduler) : IControlFeature
{
    private readonly Entity _host = catalog["host"];
    private readonly Entity _instance = catalog["instance"];
    private readonly Entity _migration = catalog["host_migration"];
    private readonly Entity _place = catalog["host_instance"];
    private readonly JoinTable _places = new(catalog, "host_instance", "host", "instance");

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        foreach (var instance in Concerned(changes))
        {
            var row = changes.After[_instance].Find(instance);
            if (row is not null)
                yield return new RowChange(_instance, row.Key, RowPart.Current, Describe(changes.After, row));
        }
    }

    /// <summary>The scheduler explains itself in its own time, with no change to the state; that is shown here.</summary>
    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        if (scheduler.State is not { } state)
            yield break;
        foreach (var instance in scheduler.TakeExplained())
        {
            if (state[_instance].Find(RowKey.Of(instance)) is { } row)
                yield return new RowChange(_instance, row.Key, RowPart.Current, Describe(state, row));
        }
    }

    private HashSet<RowKey> Concerned(ChangeSet changes)
    {
        var instances = new HashSet<RowKey>(scheduler.TakeExplained().Select(instance => RowKey.Of(instance)));
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == _instance)
            {
                if (transition.Changed(RowPart.Desired))
                    instances.Add(transition.Key);
            }
            else if (transition.Entity == _place || transition.Entity == _migration)
            {
                instances.Add(RowKey.Of(transition.Key.Parts[1]));
            }
            else if (transition.Entity == _host && (transition.Before?.Current as HostCurrent)?.LastSeen != (transition.After?.Current as HostCurrent)?.LastSeen)
            {
                foreach (var place in changes.After[_place].Where("host", transition.Key.Text))
                    instances.Add(RowKey.Of(place.Key.Parts[1]));
            }
        }
        return instances;
    }

    /// <summary>
    /// Null for an instance that nobody wants any more: its row is gone from its owner's view, whatever remains of it. And
    /// for a template, which does nothing.
    /// </summary>
    private InstanceCurrent? Describe(StateSnapshot state, Row instance)
    {
        if (instance.Desired is not InstanceDesired { Template: false } desired)
            return null;
        var places = _places.FromRight(state, instance.Key).ToArray();
        if (places.Length == 0)
            return Undescribed(desired, isPlaced: false);
        var (best, host) = places
            .Where(place => place.Link.Current is not null)
            .OrderBy(place => IsNothing(state, place.Link))
            .ThenBy(place => place.Link.Desired is null)
            .ThenBy(place => Liveness(((HostInstanceCurrent)place.Link.Current!).Status))
            .ThenBy(place => place.Link.Key)
            .FirstOrDefault();
        if (best?.Current is HostInstanceCurrent current)
        {
            return new InstanceCurrent
            {
                Uuid = desired.Uuid,
                Status = StatusOf(state, desired, best, current.Status),
                Vcpu = current.Vcpu,
                Mem = current.Mem,
                Pending = current.Pending,
                Reboots = current.Reboots,
                Resets = current.Resets,
                GuestAddresses = current.GuestAddresses,
                Why = current.Why,
                StaleSince = (host?.Current as HostCurrent)?.LastSeen,
            };
        }
        return Undescribed(desired, Array.Exists(places, place => place.Link.Desired is not null));
    }

    /// <summary>What remains at a source after the place has gone, or a copy without it.</summary>
    private bool IsNothing(StateSnapshot state, Row place) => place.Desired is null && PartOf(state, place)
        is HostMigrationStatus.Left or HostMigrationStatus.Preparing or HostMigrationStatus.Ready or HostMigrationStatus.Receiving or HostMigrationStatus.Arrived;

    private InstanceStatus StatusOf(StateSnapshot state, InstanceDesired desired, Row place, InstanceStatus status) => PartOf(state, place) switch
    {
        HostMigrationStatus.Sending when status == InstanceStatus.Running => InstanceStatus.Migrating,
        HostMigrationStatus.Arrived => InstanceStatus.Migrating,
        // It is off here, and its copy is somewhere.
        HostMigrationStatus.Left when desired.State != InstanceState.Stopped && IsElsewhere(state, place) => InstanceStatus.Migrating,
        _ => status,
    };

    private bool IsElsewhere(StateSnapshot state, Row place) => state[_migration].Where("instance", place.Key.Parts[1])
        .Any(part => part.Key != place.Key && part.Current is HostMigrationCurrent { Status: HostMigrationStatus.Arrived });

    private HostMigrationStatus? PartOf(StateSnapshot state, Row place) => (state[_migration].Find(place.Key)?.Current as HostMigrationCurrent)?.Status;

    /// <summary>What an instance does of which no host has said anything.</summary>
    private InstanceCurrent Undescribed(InstanceDesired desired, bool isPlaced)
    {
        if (isPlaced)
            return new InstanceCurrent { Uuid = desired.Uuid, Status = InstanceStatus.Waiting, Why = "Its host has not reported it yet." };
        return desired.State == InstanceState.Stopped
            ? new InstanceCurrent { Uuid = desired.Uuid, Status = InstanceStatus.Unplaced }
            : new InstanceCurrent { Uuid = desired.Uuid, Status = InstanceStatus.Waiting, Why = scheduler.WhyNot(desired.Uuid) };
    }

    private static int Liveness(InstanceStatus status) => status switch
    {
        InstanceStatus.Running => 0,
        InstanceStatus.Paused => 1,
        InstanceStatus.Starting => 2,
        InstanceStatus.Stopping => 3,
        _ => 4,
    };
}
