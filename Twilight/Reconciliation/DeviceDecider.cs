using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>What to do about the devices of an instance: its cards, then its disks. One change at a time.</summary>
internal static class DeviceDecider
{
    // Whoever makes what is behind a device tells when it is ready; these are for when nobody tells.
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookAgainWhenBrokenAfter = TimeSpan.FromSeconds(10);

    /// <summary>Why the instance cannot be started yet; null when its devices are ready.</summary>
    internal static Decision? BeforeStart(Situation at, WantedInstance wanted)
    {
        var (cards, disks) = (CardDecider.BeforeStart(at, wanted.Cards), DiskDecider.BeforeStart(at, wanted.Disks));
        // What no waiting mends is said first.
        return cards is null || (disks is { Status: InstanceStatus.Broken } && cards.Status != InstanceStatus.Broken) ? disks : cards;
    }

    internal static Decision WhileOn(Situation at, WantedInstance wanted, InstanceStatus status)
    {
        var (cards, disks) = (CardDecider.WhileOn(at, wanted.Cards, status), DiskDecider.WhileOn(at, wanted.Disks, status));
        return new Decision(
            cards.Action ?? disks.Action,
            status,
            cards.Why is null ? disks.Why : disks.Why is null ? cards.Why : $"{cards.Why} {disks.Why}",
            Earlier(cards.WakeAt, disks.WakeAt));
    }

    /// <summary>Whether a change that is under way still leads to what is wanted.</summary>
    internal static bool IsStillWanted(InstanceAction.DeviceChange change, WantedInstance wanted) => change switch
    {
        InstanceAction.CardChange card => CardDecider.IsStillWanted(card, wanted.Cards),
        InstanceAction.DiskChange disk => DiskDecider.IsStillWanted(disk, wanted.Disks),
        _ => false,
    };

    /// <summary>When to look again at what is not ready.</summary>
    internal static TimeSpan LookAgainAt(bool isBroken, TimeSpan now) => now + (isBroken ? LookAgainWhenBrokenAfter : LookAgainAfter);

    internal static TimeSpan? Earlier(TimeSpan? one, TimeSpan? other) => one is null || other < one ? other ?? one : one;
}
