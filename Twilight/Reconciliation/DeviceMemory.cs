using System.Collections.Immutable;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>A change of a device that has not come about.</summary>
/// <param name="Times">How often it was tried, in a row.</param>
/// <param name="NotBefore">It is not tried again before.</param>
/// <param name="Why">The failure in words; null when the guest was asked and has not let go yet.</param>
/// <param name="Brings">See <see cref="InstanceAction.DeviceChange.Brings"/>.</param>
public sealed record DeviceTrouble(int Times, TimeSpan NotBefore, string? Why, bool Brings);

/// <summary>
/// What must be remembered of the devices of a domain that is on, because no scan shows it. What a device resists is no failure of
/// the instance: everything else goes on as if there were none.
/// </summary>
public sealed record DeviceMemory
{
    public static readonly DeviceMemory None = new();

    private ImmutableDictionary<(Guid Device, Type Change), DeviceTrouble> Troubles { get; init; } =
        ImmutableDictionary<(Guid, Type), DeviceTrouble>.Empty;

    private ImmutableDictionary<Guid, long> Told { get; init; } = ImmutableDictionary<Guid, long>.Empty;

    /// <summary>What came of the change until now; null when nothing did.</summary>
    public DeviceTrouble? TroubleOf(InstanceAction.DeviceChange change) => Troubles.GetValueOrDefault((change.Device, change.GetType()));

    /// <summary>MiB that the guest was told that the disk has; null when nobody remembers.</summary>
    public long? ToldOf(Guid vdisk) => Told.TryGetValue(vdisk, out var size) ? size : null;

    /// <summary>The memory after a look at the domain, which is on.</summary>
    internal DeviceMemory Observe(ObservedDomain domain)
    {
        if (Troubles.IsEmpty && Told.IsEmpty)
            return this;
        var there = domain.Interfaces.Select(card => card.Vnic).Concat(domain.Disks.Select(disk => disk.Vdisk)).ToHashSet();
        return this with
        {
            Troubles = Troubles.RemoveRange(
                Troubles.Where(trouble => there.Contains(trouble.Key.Device) == trouble.Value.Brings).Select(trouble => trouble.Key)),
        };
    }

    internal DeviceMemory After(InstanceAction.DeviceChange change, ActionOutcome outcome, TimeSpan now, RetryOptions retry)
    {
        var key = (change.Device, change.GetType());
        var times = (Troubles.GetValueOrDefault(key)?.Times ?? 0) + 1;
        return outcome.End switch
        {
            ActionEnd.Failed => this with
            {
                Troubles = Troubles.SetItem(key, new DeviceTrouble(times, now + retry.Backoff.DelayAfter(times), outcome.Why, change.Brings)),
            },
            ActionEnd.Done when change is InstanceAction.Unplug or InstanceAction.UnplugDisk => this with
            {
                Troubles = Troubles.SetItem(key, new DeviceTrouble(times, now + retry.Release.DelayAfter(times), null, change.Brings)),
            },
            ActionEnd.Done => this with { Troubles = Troubles.Remove(key), Told = After(change) },
            _ => this,
        };
    }

    internal static DeviceMemory StartedWith(DiskSet disks) => new()
    {
        Told = disks.Disks.Where(disk => disk.Size is not null).ToImmutableDictionary(disk => disk.Vdisk, disk => disk.Size!.Value),
    };

    /// <summary>A new order is a new chance.</summary>
    internal DeviceMemory Retry() => this with { Troubles = Troubles.Clear() };

    private ImmutableDictionary<Guid, long> After(InstanceAction.DeviceChange change) => change switch
    {
        InstanceAction.PlugDisk { Size: { } size } plug => Told.SetItem(plug.Vdisk, size),
        InstanceAction.PlugDisk plug => Told.Remove(plug.Vdisk),
        InstanceAction.GrowDisk grow => Told.SetItem(grow.Vdisk, grow.Size),
        _ => Told,
    };
}
