namespace PonyCloud.Twilight.Hypervisor;

public enum DomainState
{
    /// <summary>The hypervisor does not say.</summary>
    Unknown,
    Running,
    Paused,

    /// <summary>The guest is on its way down.</summary>
    ShuttingDown,
    Off,
    Crashed,

    /// <summary>The guest put itself to sleep.</summary>
    Asleep,
}

/// <summary>Why a domain is in its state, as far as that makes a difference here.</summary>
public enum DomainReason
{
    /// <summary>None of the others.</summary>
    Other,

    /// <summary>Paused by order.</summary>
    PausedByOrder,

    /// <summary>Paused for as long as the hypervisor works on it: it is starting, being saved, migrated or the like.</summary>
    InTransition,

    /// <summary>Paused by a disk that failed.</summary>
    IoError,

    /// <summary>Paused by its watchdog.</summary>
    Watchdog,

    /// <summary>Off because the guest turned itself off.</summary>
    GuestPoweredOff,

    /// <summary>Off because somebody cut the power.</summary>
    PowerCut,

    /// <summary>Off or paused because the guest or its emulator crashed.</summary>
    Crashed,

    /// <summary>Off because it failed to start.</summary>
    FailedToStart,

    /// <summary>Off because a whole copy of it is elsewhere.</summary>
    Migrated,
}

/// <summary>A domain as the hypervisor shows it at one moment.</summary>
public sealed record ObservedDomain
{
    public required Guid Uuid { get; init; }

    public required string Name { get; init; }

    public required DomainState State { get; init; }

    public DomainReason Reason { get; init; }

    public int Vcpu { get; init; }

    /// <summary>MiB.</summary>
    public long Memory { get; init; }

    /// <summary>The network cards of a domain that is on; of one that is off, or that has no element of the platform's, none are read.</summary>
    public IReadOnlyList<ObservedInterface> Interfaces { get; init; } = [];

    /// <summary>Its disks and CD-ROM drives, in the same way.</summary>
    public IReadOnlyList<ObservedDisk> Disks { get; init; } = [];

    /// <summary>Whether somebody in the guest listens at the channel of the guest agent. That it answers is not said.</summary>
    public bool HasAgent { get; init; }

    /// <summary>What was told of why it stands still or went off; none of a domain that runs.</summary>
    public DomainCause Cause { get; init; }

    /// <summary>How often its guest was seen to begin anew without going off. It only grows, and says nothing of what happened unseen.</summary>
    public int Restarts { get; init; }

    /// <summary>The platform's own element in the domain's metadata; null when it has none.</summary>
    public string? Metadata { get; init; }
}

/// <summary>All domains at one moment.</summary>
/// <param name="Domains">In no order.</param>
/// <param name="Unsettled">Domains, there or not, for which a call that was given up has not ended yet.</param>
public sealed record DomainScan(IReadOnlyList<ObservedDomain> Domains, IReadOnlySet<Guid> Unsettled);
