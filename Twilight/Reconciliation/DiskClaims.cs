using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// What guests have open, as it was last told to whoever keeps it; and whether they may be given more. What an action may have given
/// to a guest counts until a look shows that it has not.
/// </summary>
/// <remarks>Owned by the loop.</remarks>
internal sealed class DiskClaims(IInstanceDisks disks)
{
    private ILookup<Guid, DiskUse> _held = Array.Empty<DiskUse>().ToLookup(use => use.Instance);

    /// <summary>Tells what was seen, and asks for what the plan gives.</summary>
    /// <param name="inFlight">What ran while the look was taken.</param>
    /// <returns>The actions that may be carried out now.</returns>
    internal IReadOnlyList<InstanceAction> Admit(
        DomainScan scan, IReadOnlyDictionary<Guid, InstanceAction> inFlight, IEnumerable<InstanceAction> plan)
    {
        var actions = plan.ToList();
        var held = scan.Domains.SelectMany(SeenIn)
            .Concat(inFlight.Keys.Concat(scan.Unsettled).SelectMany(instance => _held[instance]))
            .ToHashSet();
        var wanted = actions.Where(action => !inFlight.ContainsKey(action.Instance)).SelectMany(GivenBy).Where(use => !held.Contains(use)).ToList();
        var refused = disks.Use(held, wanted);
        _held = held.Concat(wanted.Except(refused)).ToLookup(use => use.Instance);
        var late = refused.Select(use => use.Instance).ToHashSet();
        return late.Count == 0 ? actions : [.. actions.Where(action => !late.Contains(action.Instance) || inFlight.ContainsKey(action.Instance))];
    }

    private static IEnumerable<DiskUse> SeenIn(ObservedDomain domain) =>
        domain.Disks.Where(disk => disk.Source is not null).Select(disk => new DiskUse(domain.Uuid, disk.Vdisk, disk.Source!));

    private static IEnumerable<DiskUse> GivenBy(InstanceAction action) => action switch
    {
        InstanceAction.Start start => start.Disks.Disks.Select(disk => new DiskUse(start.Instance, disk.Vdisk, disk.Source.Name)),
        InstanceAction.DiskChange { Given: { } source } change => [new DiskUse(change.Instance, change.Vdisk, source.Name)],
        _ => [],
    };
}
