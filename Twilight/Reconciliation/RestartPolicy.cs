using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// Whether an instance that went off by itself, while it was to be on, is started again.
/// <code>
///              turned itself off    crashed              power cut by somebody else    nobody knows
///   always     START (backoff)      START (backoff)      START (backoff)               START
///   on-crash   stays off            START (backoff)      START (backoff)               START
///   never      stays off            stays off            stays off                     stays off
/// </code>
/// </summary>
/// <remarks>
/// How it went off is written into the domain's metadata if it stays off, so that neither a restart of the agent nor one of the
/// machine starts it. It starts when it is ordered to run after it was to be stopped, when a restart is ordered, or when the column
/// allows it. That it has run is written there too, unless it is always started again: then an agent that finds it off, and has not
/// seen it on, knows that it ended while no agent watched, and asks the hypervisor how.
/// </remarks>
internal static class RestartPolicy
{
    /// <summary>What to do instead of a start; null when it may start.</summary>
    internal static Decision? InsteadOfStart(Situation at, InstanceDesired instance)
    {
        var mark = at.Domain is { } domain ? DomainMetadata.Of(domain) : null;
        var ended = at.Memory.Ended ?? (at.Memory.HasChance ? null : mark?.Ended ?? UnseenEnd(at, mark));
        if (ended is not { } end || Allows(instance.Restart, end) || (mark is not null && RestartDecider.IsOrdered(instance, mark)))
            return null;
        var why = $"{at.Memory.Why ?? WhyOf(end)} It is not started again: restart is {NameOf(instance.Restart)}.";
        var writing = mark is null || mark.Ended == end ? null : RestartDecider.Tried(at, new InstanceAction.SetMark(mark with { Ended = end }));
        return new Decision(writing?.Action, end == DomainEnd.Crashed ? InstanceStatus.Crashed : InstanceStatus.Stopped, why, writing?.WakeAt);
    }

    /// <summary>What to write down of an instance that is to be off: it has a new chance the next time that it is to run.</summary>
    internal static Step? Forgiven(Situation at) => at.Domain is { } domain && DomainMetadata.Of(domain) is { } mark && (mark.HasRun || mark.Ended is not null)
        ? RestartDecider.Tried(at, new InstanceAction.SetMark(mark with { Ended = null, HasRun = false }))
        : null;

    /// <summary>Whether it is to be written down of an instance that is on that it has run.</summary>
    internal static bool IsWatched(InstanceDesired instance) => instance.Restart != InstanceRestart.Always;

    /// <summary>How the domain, which is off or not there, ended by itself.</summary>
    internal static DomainEnd EndOf(ObservedDomain? domain) => domain?.Reason switch
    {
        DomainReason.Crashed => DomainEnd.Crashed,
        DomainReason.GuestPoweredOff => DomainEnd.TurnedOff,
        _ => DomainEnd.PowerCut,
    };

    /// <summary>How it ended while no agent watched; null when it did not.</summary>
    private static DomainEnd? UnseenEnd(Situation at, DomainMetadata? mark) => (mark, at.Domain?.Reason) switch
    {
        ({ HasRun: true }, not DomainReason.Migrated) when !at.Memory.HasSeenOn =>
            at.Domain!.Reason is DomainReason.GuestPoweredOff or DomainReason.Crashed or DomainReason.PowerCut ? EndOf(at.Domain) : DomainEnd.Unseen,
        _ => null,
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
        DomainEnd.Unseen => "It ended while nobody watched it.",
        _ => "Somebody else cut the power.",
    };

    private static string NameOf(InstanceRestart restart) => restart == InstanceRestart.OnCrash ? "on-crash" : "never";
}
