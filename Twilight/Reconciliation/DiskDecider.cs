using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// What to do about the disks of an instance whose domain is otherwise as ordered. One change at a time, in this order:
/// <code>
///   row                      disk of the domain
///   none, another volume     there                       UNPLUG, asked again with patience until the guest lets go
///   none, another image      drive with something in it  EJECT, or CHANGE MEDIUM when the other image is ready
///   image                    drive that is empty         CHANGE MEDIUM, when the image is ready
///   limits L                 with other limits           LIMIT
///   size S                   the guest was told of less  GROW, when there is room for it
///   there                    none                        PLUG, when its content is ready
///   bus, index, cache        with others                 said: at the next start
///   there, on sata           none                        said: at the next start
/// </code>
/// </summary>
/// <remarks>
/// A change that fails or that the guest resists leaves the instance what it is, and is said in its reason. Disks that have no row
/// are left alone.
/// </remarks>
internal static class DiskDecider
{
    /// <summary>Why the instance cannot be started yet; null when its disks are ready.</summary>
    internal static Decision? BeforeStart(Situation at, IReadOnlyList<InstanceDisk> disks)
    {
        // What no waiting mends is said first.
        var worst = disks.Select(disk => (Disk: disk, State: StateOf(disk, at))).Where(disk => disk.State.Readiness != DiskReadiness.Ready)
            .OrderByDescending(disk => disk.State.Readiness == DiskReadiness.Broken).FirstOrDefault();
        return worst.State is null ? null : new Decision(
            null, IsBroken(worst.State) ? InstanceStatus.Broken : InstanceStatus.Starting,
            WhyUnready(worst.Disk, worst.State), DeviceDecider.LookAgainAt(IsBroken(worst.State), at.Now));
    }

    /// <summary>The disks that it starts with now.</summary>
    internal static DiskSet ToStartWith(Situation at, IReadOnlyList<InstanceDisk> disks) => disks.Count == 0 ? DiskSet.None : new DiskSet(
        [.. disks.Select(disk => (disk, State: StateOf(disk, at))).Where(disk => disk.State.Source is not null)
            .Select(disk => new StartDisk(disk.disk.Vdisk, disk.State.Source!, disk.disk.IsCdrom ? null : disk.State.Size))]);

    internal static Decision WhileOn(Situation at, IReadOnlyList<InstanceDisk> disks, InstanceStatus status)
    {
        InstanceAction? action = null;
        string? why = null;
        TimeSpan? wakeAt = null;
        foreach (var difference in Differences(at, disks).OrderBy(difference => difference.Rank))
        {
            var trouble = difference.Change is null ? null : at.Memory.Devices.TroubleOf(difference.Change);
            why ??= difference.Why ?? WhyNot(difference.Change!, trouble);
            if (difference.Change is null)
            {
                wakeAt = DeviceDecider.Earlier(wakeAt, difference.LookAgainAt);
                continue;
            }
            if (trouble is null || trouble.NotBefore <= at.Now)
                action ??= difference.Change;
            else
                wakeAt = DeviceDecider.Earlier(wakeAt, trouble.NotBefore);
        }
        return new Decision(action, status, why, wakeAt);
    }

    /// <summary>Whether a change that is under way still leads to what is wanted.</summary>
    internal static bool IsStillWanted(InstanceAction.DiskChange change, IReadOnlyList<InstanceDisk> disks)
    {
        var wanted = disks.FirstOrDefault(disk => disk.Vdisk == change.Vdisk);
        return change switch
        {
            InstanceAction.PlugDisk plug => wanted is not null && IsSame(wanted, plug.Disk),
            InstanceAction.UnplugDisk unplug => wanted is null || !DiskContent.Is(unplug.Disk, wanted, null),
            InstanceAction.ChangeMedium { Medium: { } medium } => wanted is not null && IsSame(wanted, medium),
            InstanceAction.LimitDisk limit => wanted is not null && DiskXml.LimitsOf(wanted) == limit.Limits,
            _ => true,
        };
    }

    private static IEnumerable<Difference> Differences(Situation at, IReadOnlyList<InstanceDisk> disks)
    {
        var domain = at.Domain!;
        var wanted = disks.ToDictionary(disk => disk.Vdisk);
        foreach (var seen in domain.Disks.Where(seen => seen.Vdisk is not null))
        {
            var disk = wanted.GetValueOrDefault(seen.Vdisk!.Value);
            var kept = disk is null || disk.IsCdrom != seen.IsCdrom ? null : disk;
            foreach (var difference in kept is null ? Leave(domain, seen) : kept.IsCdrom ? Drive(at, seen, kept) : Disk(at, seen, kept))
                yield return difference;
        }
        foreach (var disk in disks.Where(disk => domain.Disks.All(seen => seen.Vdisk != disk.Vdisk)))
            yield return Plug(at, disk);
    }

    private static IEnumerable<Difference> Leave(ObservedDomain domain, ObservedDisk seen)
    {
        if (DiskPlaces.IsPluggable(seen.Bus))
            yield return new Difference(0, new InstanceAction.UnplugDisk(domain.Uuid, seen));
        else if (seen.IsCdrom && seen.Source is not null)
            yield return new Difference(0, new InstanceAction.ChangeMedium(domain.Uuid, seen, null));
        else if (!seen.IsCdrom)
            yield return new Difference(0, Why: $"{Named(seen)} goes at the next start: nothing is unplugged from {seen.Bus} while the guest runs.");
    }

    private static IEnumerable<Difference> Drive(Situation at, ObservedDisk seen, InstanceDisk disk)
    {
        var state = StateOf(disk, at);
        if (seen.Source is null || !DiskContent.Is(seen, disk, state))
        {
            if (state.Readiness == DiskReadiness.Ready)
                yield return new Difference(2, new InstanceAction.ChangeMedium(at.Instance, seen, disk with { Source = state.Source }));
            else if (seen.Source is not null)
                yield return new Difference(0, new InstanceAction.ChangeMedium(at.Instance, seen, null));
            else
                yield return Unready(disk, state, at);
        }
        foreach (var difference in Changed(at, seen, disk, seen.Source is null ? null : state))
            yield return difference;
    }

    private static IEnumerable<Difference> Disk(Situation at, ObservedDisk seen, InstanceDisk disk)
    {
        var state = StateOf(disk, at);
        if (!DiskContent.Is(seen, disk, state))
            return Leave(at.Domain!, seen);
        var told = at.Memory.Devices.ToldOf(disk.Vdisk);
        var isLarger = state.Size is { } size && state.Source?.Name == seen.Source && (told is null || told < size);
        return Changed(at, seen, disk, state).Concat(!isLarger ? [] : state.Source is not DiskSource.Iscsi
            ? [new Difference(3, new InstanceAction.GrowDisk(at.Instance, seen, state.Size!.Value))]
            : told is null ? [] : [new Difference(3, Why: $"{Named(disk)} has its new size from the next start on.")]);
    }

    private static IEnumerable<Difference> Changed(Situation at, ObservedDisk seen, InstanceDisk disk, DiskState? state)
    {
        var limits = DiskXml.LimitsOf(disk);
        if (limits != new DiskLimits(seen.IopsMax, seen.BytesMax) && seen.Source is not null)
            yield return new Difference(1, new InstanceAction.LimitDisk(at.Instance, seen, limits));
        var fields = DiskContent.FieldsForNextStart(seen, disk, state).ToList();
        if (fields.Count > 0)
            yield return new Difference(5, Why: $"{Named(disk)} has another {string.Join(" and ", fields)} from the next start on.");
    }

    private static Difference Plug(Situation at, InstanceDisk disk)
    {
        var state = StateOf(disk, at);
        if (!DiskPlaces.IsPluggable(DiskXml.NameOf(disk.Bus)))
            return new Difference(5, Why: $"{Named(disk)} comes at the next start: nothing is plugged into {DiskXml.NameOf(disk.Bus)} while the guest runs.");
        if (state.Readiness != DiskReadiness.Ready)
            return Unready(disk, state, at);
        var target = DiskPlaces.Target(disk.Bus, disk.Index!.Value);
        return at.Domain!.Disks.FirstOrDefault(seen => seen.Target == target) is { } other
            ? new Difference(5, Why: $"{Named(disk)} comes when its place is free, which {other.Vdisk?.ToString() ?? other.Target} still has.")
            : new Difference(4, new InstanceAction.PlugDisk(at.Instance, disk with { Source = state.Source }, disk.IsCdrom ? null : state.Size));
    }

    private static Difference Unready(InstanceDisk disk, DiskState state, Situation at) =>
        new(4, Why: WhyUnready(disk, state), LookAgainAt: DeviceDecider.LookAgainAt(IsBroken(state), at.Now));

    private static DiskState StateOf(InstanceDisk disk, Situation at) => DiskPlaces.WhyNone(disk) is { } why
        ? new DiskState(DiskReadiness.Broken, why)
        : at.Disks.GetValueOrDefault(disk.Vdisk, DiskState.Unknown);

    private static bool IsSame(InstanceDisk wanted, InstanceDisk given) =>
        (wanted.Content, wanted.Bus, wanted.Index, wanted.IsCdrom) == (given.Content, given.Bus, given.Index, given.IsCdrom);

    private static string? WhyNot(InstanceAction.DiskChange change, DeviceTrouble? trouble) => (change, trouble) switch
    {
        (_, null) => null,
        (InstanceAction.PlugDisk plug, { Why: not null }) when !PciPorts.IsSpare(plug.Disk) =>
            $"{Named(plug.Disk)} comes at the next start, since the guest has no place for it now.",
        (InstanceAction.PlugDisk plug, { Why: { } failure }) => $"{Named(plug.Disk)} could not be plugged in: {failure}",
        (InstanceAction.UnplugDisk unplug, { Why: { } failure }) => $"{Named(unplug.Disk)} could not be unplugged: {failure}",
        (InstanceAction.UnplugDisk unplug, _) =>
            $"The guest has not released its disk {unplug.Vdisk} yet; it is asked again, and loses it at its next start at the latest.",
        (InstanceAction.ChangeMedium medium, { Why: { } failure }) => $"{Named(medium.Drive)} could not be changed: {failure}",
        (InstanceAction.LimitDisk limit, { Why: { } failure }) => $"The limits of its disk {limit.Vdisk} could not be set: {failure}",
        (InstanceAction.GrowDisk grow, { Why: { } failure }) => $"Its disk {grow.Vdisk} could not be grown: {failure}",
        _ => null,
    };

    private static string WhyUnready(InstanceDisk disk, DiskState state) =>
        $"{Named(disk)}{(IsBroken(state) ? "" : " is not ready")}: {state.Why}.";

    private static bool IsBroken(DiskState state) => state.Readiness == DiskReadiness.Broken;

    private static string Named(InstanceDisk disk) => $"Its {(disk.IsCdrom ? "CD-ROM" : "disk")} {disk.Vdisk}";

    private static string Named(ObservedDisk disk) => $"Its {(disk.IsCdrom ? "CD-ROM" : "disk")} {disk.Vdisk}";

    /// <param name="Rank">Lower ones first.</param>
    /// <param name="Change">Null when nothing can be done now.</param>
    /// <param name="Why">What is said of it, whatever came of the change.</param>
    private sealed record Difference(int Rank, InstanceAction.DiskChange? Change = null, string? Why = null, TimeSpan? LookAgainAt = null);
}
