using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>What goes wrong with guests, in the words of those who use them.</summary>
internal static class Troubles
{
    /// <summary>What became of an instance whose domain is not as ordered, and not by order.</summary>
    internal static (InstanceStatus Status, string Why) Describe(ObservedDomain? domain) => domain switch
    {
        { Reason: DomainReason.Crashed } => (InstanceStatus.Crashed, domain.Cause switch
        {
            DomainCause.Panicked => "The guest's system panicked.",
            DomainCause.Watchdog => "The guest no longer fed its watchdog, which cut its power.",
            DomainCause.HostOutOfMemory => "Its emulator was killed while the host ran out of memory.",
            _ => "The guest crashed: its emulator ended, or somebody killed it.",
        }),
        { Reason: DomainReason.IoError } => (InstanceStatus.Paused, domain.Cause == DomainCause.DiskFull
            ? "The guest is paused because the storage of one of its disks is full."
            : "The guest is paused by an I/O error."),
        { Reason: DomainReason.Watchdog } => (InstanceStatus.Paused, "The guest no longer fed its watchdog, which paused it."),
        { Reason: DomainReason.GuestPoweredOff } => (InstanceStatus.Stopped, "The guest turned itself off."),
        { Reason: DomainReason.PowerCut } => (InstanceStatus.Stopped, "Somebody else cut the power."),
        { Reason: DomainReason.FailedToStart } => (InstanceStatus.Broken, "The guest failed to start."),
        { State: DomainState.Paused } => (InstanceStatus.Paused, "The guest is paused, and not by order."),
        _ => (InstanceStatus.Stopped, "The domain went off or away, and not by order."),
    };

    /// <summary>The event that tells of a failure that made this of the instance.</summary>
    internal static (string Type, EventSeverity Severity) EventOf(InstanceStatus status) => status switch
    {
        InstanceStatus.Crashed => ("instance-crashed", EventSeverity.Error),
        InstanceStatus.Stopped => ("instance-went-off", EventSeverity.Warning),
        InstanceStatus.Paused => ("instance-paused-by-error", EventSeverity.Error),
        _ => ("instance-broken", EventSeverity.Error),
    };
}
