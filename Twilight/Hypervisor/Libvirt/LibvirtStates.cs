namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>libvirt's numbers of states, reasons and events (<c>libvirt-domain.h</c>), in our words.</summary>
internal static class LibvirtStates
{
    internal const string Undefined = "undefined";

    internal const string Started = "started";
    internal const string Resumed = "resumed";

    /// <summary>The guest's watchdog was not fed, and paused it or cut its power.</summary>
    internal const string WatchdogFired = "watchdog fired";

    /// <summary>The guest's watchdog was not fed, and reset it.</summary>
    internal const string WatchdogReset = "watchdog reset";

    /// <summary>The guest has taken or given back memory.</summary>
    internal const string MemoryChanged = "memory changed";
    internal const string DiskFull = "disk full";
    internal const string IoError = "I/O error";
    internal const string Crashed = "crashed";

    /// <summary>The guest began anew without going off.</summary>
    internal const string Restarted = "restarted";

    internal static DomainState StateOf(int state) => state switch
    {
        // Blocked: a guest that waits for I/O runs.
        LibvirtNative.StateRunning or LibvirtNative.StateBlocked => DomainState.Running,
        LibvirtNative.StatePaused => DomainState.Paused,
        LibvirtNative.StateShutdown => DomainState.ShuttingDown,
        LibvirtNative.StateShutoff => DomainState.Off,
        LibvirtNative.StateCrashed => DomainState.Crashed,
        LibvirtNative.StatePmSuspended => DomainState.Asleep,
        _ => DomainState.Unknown,
    };

    internal static DomainReason ReasonOf(int state, int reason) => (state, reason) switch
    {
        (LibvirtNative.StatePaused, 1) => DomainReason.PausedByOrder,
        // migration, save, dump, snapshot, shutting down, starting up, post-copy
        (LibvirtNative.StatePaused, 2 or 3 or 4 or 8 or 9 or 11 or 12) => DomainReason.InTransition,
        (LibvirtNative.StatePaused, 5) => DomainReason.IoError,
        (LibvirtNative.StatePaused, 6) => DomainReason.Watchdog,
        (LibvirtNative.StatePaused, 10) => DomainReason.Crashed,
        (LibvirtNative.StateShutoff, 1) => DomainReason.GuestPoweredOff,
        (LibvirtNative.StateShutoff, 2) => DomainReason.PowerCut,
        (LibvirtNative.StateShutoff, 3) => DomainReason.Crashed,
        (LibvirtNative.StateShutoff, 4) => DomainReason.Migrated,
        (LibvirtNative.StateShutoff, 6) => DomainReason.FailedToStart,
        (LibvirtNative.StateCrashed, _) => DomainReason.Crashed,
        _ => DomainReason.Other,
    };

    /// <summary><c>virDomainEventType</c></summary>
    internal static string EventName(int lifecycleEvent) => lifecycleEvent switch
    {
        0 => "defined",
        1 => Undefined,
        2 => Started,
        3 => "suspended",
        4 => Resumed,
        5 => "stopped",
        6 => "shut down",
        7 => "asleep",
        8 => Crashed,
        _ => $"event {lifecycleEvent}",
    };

    /// <summary><c>virDomainEventWatchdogAction</c></summary>
    internal static string WatchdogName(int action) => action == 2 ? WatchdogReset : WatchdogFired;

    /// <summary>QEMU tells one reason only: that there is no space left.</summary>
    internal static string IoErrorName(string? reason) => reason == "enospc" ? DiskFull : IoError;

    /// <summary>What an event tells of the domain's next state; null when nothing.</summary>
    internal static DomainCause? CauseOf(string what) => what switch
    {
        WatchdogFired => DomainCause.Watchdog,
        DiskFull => DomainCause.DiskFull,
        IoError => DomainCause.IoError,
        Crashed => DomainCause.Panicked,
        _ => null,
    };

    /// <summary><c>virConnectDomainEventAgentLifecycleState</c></summary>
    internal static string AgentName(int state) => state == 1 ? "agent connected" : "agent disconnected";

    /// <summary><c>virStoragePoolEventLifecycleType</c></summary>
    internal static string PoolEventName(int lifecycleEvent) => lifecycleEvent switch
    {
        0 => "defined",
        1 => "undefined",
        2 => "started",
        3 => "stopped",
        4 => "created",
        5 => "deleted",
        _ => $"event {lifecycleEvent}",
    };

    /// <summary><c>virConnectCloseReason</c></summary>
    internal static string CloseReason(int reason) => reason switch
    {
        0 => "the connection broke",
        1 => "libvirtd closed the connection",
        2 => "libvirtd did not answer keepalive messages",
        3 => "the connection was closed on this side",
        _ => $"the connection was closed for reason {reason}",
    };
}
