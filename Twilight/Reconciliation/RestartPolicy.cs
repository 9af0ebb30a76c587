using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// Whether an instance that went off by itself, while it was to be on, is started again.
/// <code>
///              turned itself off    crashed              power cut by somebody else
///   always     START (backoff)      START (backoff)      START (backoff)
///   on-crash   stays off            START (backoff)      START (backoff)
///   never      stays off            stays off            stays off
/// </code>
/// </summary>
/// <remarks>
/// How it went off is written into the domain's metadata if it stays off, so that neither a restart of the agent nor one of the
/// machine starts it. It starts when it is ordered to run after it was to be stopped, when a restart is ordered, or when the column
/// allows it. What ended unseen, while the agent was away, is not known to have ended by itself, and is started.
/// </remarks>
internal static class RestartPolicy
{
    /// <summary>What to do instead of a start; null when it may start.</summary>
    internal static Decision? InsteadOfStart(Situation at, InstanceDesired instance)
    {
        var mark = at.Domain is { } domain ? DomainMetadata.Of(domain) : null;
        var ended = at.Memory.Ended ?? (at.Memory.HasChance ? null : mark?.Ended);
        if (ended is not { } end || Allows(instance.Restart, end) || (mark is not null && RestartDecider.IsOrdered(instance, mark)))
            return null;
        var why = $"{at.Memory.Why ?? WhyOf(end)} It is not started again: restart is {NameOf(instance.Restart)}.";
        var writing = mark is null || mark.Ended == end ? null : RestartDecider.Tried(at, new InstanceAction.SetMark(mark with { Ended = end }));
        return new Decision(writing?.Action, end == DomainEnd.Crashed ? InstanceStatus.Crashed : InstanceStatus.Stopped, why, writing?.WakeAt);
    }

    /// <summary>What to write down of an instance that is off as ordered: it has a new chance the next time that it is to run.</summary>
    internal static Step? Forgiven(Situation at) => at.Domain is { } domain && DomainMetadata.Of(domain) is { Ended: not null } mark
        ? RestartDecider.Tried(at, new InstanceAction.SetMark(mark with { Ended = null }))
        : null;

    /// <summary>How the domain, which is off or not there, ended by itself.</summary>
    internal static DomainEnd EndOf(ObservedDomain? domain) => domain?.Reason switch
    {
        DomainReason.Crashed => DomainEnd.Crashed,
        DomainReason.GuestPoweredOff => DomainEnd.TurnedOff,
        _ => DomainEnd.PowerCut,
    };

    private static bool Allows(InstanceRestart restart, DomainEnd end) => restart switch
    {
        InstanceRestart.Always => true,
        InstanceRestart.OnCrash => end != DomainEnd.TurnedOff,
        _ => false,
    };

    private static string WhyOf(DomainEnd end) => end switch
    {
        DomainEnd.TurnedOff => "The guest turned itself off.",
        DomainEnd.Crashed => "The guest crashed.",
        _ => "Somebody else cut the power.",
    };

    private static string NameOf(InstanceRestart restart) => restart == InstanceRestart.OnCrash ? "on-crash" : "never";
}
