using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>What else is to be done about an instance that is on, beside all that its state demands.</summary>
/// <param name="Action">Null when there is nothing to do now.</param>
internal sealed record Step(InstanceAction? Action, string? Why = null, TimeSpan? WakeAt = null);

/// <summary>
/// What to do about orders to restart an instance whose domain is on. They are counts: what is ordered above what was carried out is
/// one restart, however much it is above.
/// <code>
///                    guest restarts, or begins anew after it went off
///            ASK ◄─────────────────────────────────────────────────────────┐
///   reboots ─────► ASKED ── again every 10 s ── stop_timeout is over ──► RESET ──► MARK: the domain's metadata
///                     └────────────────────── it has restarted ──────────────────►  says how far orders were
///   resets ──────────────────────────────────────────────────────────────► RESET    carried out
/// </code>
/// </summary>
/// <remarks>
/// A reset carries the reboots out as well. A guest that stands still cannot be asked, and is reset. What was carried out is written
/// down after it was done: an agent that ends in between does it once more, rather than never.
/// </remarks>
internal static class RestartDecider
{
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(10);

    /// <summary>Null when no restart is ordered.</summary>
    internal static Step? WhileOn(Situation at, InstanceDesired instance)
    {
        var domain = at.Domain!;
        if (MarkOf(at) is not { } mark || domain.State is not (DomainState.Running or DomainState.Paused or DomainState.Asleep)
            || domain.Reason is DomainReason.InTransition or DomainReason.Crashed)
        {
            return null;
        }
        var memory = at.Memory.Restarts;
        var isResetDue = instance.Resets > (memory.Resets ?? mark.Resets);
        var isRebootDue = instance.Reboots > (memory.Reboots ?? mark.Reboots);
        if (isResetDue)
            return Tried(at, Reset(instance));
        if (isRebootDue)
            return Reboot(at, instance, domain);
        // A count that was taken back is followed, so that one more is one restart again.
        var shown = mark with
        {
            Reboots = Math.Min(memory.Reboots ?? mark.Reboots, instance.Reboots),
            Resets = Math.Min(memory.Resets ?? mark.Resets, instance.Resets),
            HasRun = mark.HasRun || RestartPolicy.IsWatched(instance),
        };
        return shown == mark ? null : Tried(at, new InstanceAction.SetMark(shown));
    }

    /// <summary>Whether an instance that is off is to start because a restart was ordered since it was on.</summary>
    internal static bool IsOrdered(InstanceDesired instance, DomainMetadata mark) =>
        instance.Resets > mark.Resets || instance.Reboots > mark.Reboots;

    /// <summary>Whether a step that is under way still leads to what is ordered.</summary>
    internal static bool IsStillWanted(InstanceAction.RestartStep step, Situation at, InstanceDesired instance) => step switch
    {
        InstanceAction.Reset reset => instance.Resets >= reset.Resets && instance.Reboots >= reset.Reboots,
        InstanceAction.Reboot reboot => instance.Reboots >= reboot.Count
            && instance.Resets <= (at.Memory.Restarts.Resets ?? MarkOf(at)?.Resets ?? int.MaxValue),
        _ => true,
    };

    private static Step? Reboot(Situation at, InstanceDesired instance, ObservedDomain domain)
    {
        if (domain.State == DomainState.Paused && domain.Reason == DomainReason.PausedByOrder && instance.State == InstanceState.Running)
            // It is about to go on, and can be asked then.
            return null;
        var isStanding = domain.State != DomainState.Running || instance.State == InstanceState.Paused;
        var wait = at.Memory.Restarts.Wait;
        var resetAt = (wait?.Since ?? at.Now) + TimeSpan.FromSeconds(instance.StopTimeout);
        if (isStanding || resetAt <= at.Now)
            return Tried(at, Reset(instance));
        if (wait is null || wait.AskedAt + AskAgainAfter <= at.Now)
            return new Step(new InstanceAction.Reboot(at.Instance, wait?.Count ?? instance.Reboots, domain.Restarts) { ByAgent = wait is null && domain.HasAgent });
        var why = wait.Why is null
            ? "Its guest was asked to restart; it is reset if it does not."
            : $"Its guest could not be asked to restart, and is reset if that goes on: {wait.Why}";
        var askAt = wait.AskedAt + AskAgainAfter;
        return new Step(null, why, askAt < resetAt ? askAt : resetAt);
    }

    private static DomainMetadata? MarkOf(Situation at) => at.Domain is { } domain ? DomainMetadata.Of(domain) : null;

    private static InstanceAction.Reset Reset(InstanceDesired instance) => new(instance.Uuid, instance.Reboots, instance.Resets);

    /// <summary>The step, or while its last failure is too recent the wait for it.</summary>
    internal static Step Tried(Situation at, InstanceAction.RestartStep step) =>
        at.Memory.Restarts.Trouble is { } trouble && trouble.NotBefore > at.Now
            ? new Step(null, $"It could not be restarted: {trouble.Why}", trouble.NotBefore)
            : new Step(step);
}
