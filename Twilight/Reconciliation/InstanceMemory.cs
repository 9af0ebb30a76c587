using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>What an instance was ordered to be, as far as a change of it is a new chance.</summary>
/// <param name="Instance">Null when the instance is not wanted here.</param>
/// <param name="Shape">Digest of the wanted definition; null when it cannot be made.</param>
/// <param name="Devices">The network cards and disks, in words.</param>
public sealed record InstanceOrder(InstanceDesired? Instance, string? Shape, string Devices)
{
    public static readonly InstanceOrder Unwanted = new(null, null, "");

    /// <summary>Whether the instance shall be off, or gone.</summary>
    public bool IsOff => Instance is null or { State: InstanceState.Stopped };
}

/// <summary>When failures are tried again.</summary>
public sealed record RetryOptions
{
    public Backoff Backoff { get; init; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));

    /// <summary>When a guest that has not let go of a device is asked again.</summary>
    public Backoff Release { get; init; } = new(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5));

    /// <summary>A guest that ran this long counts as sound: the next failure is a first one again.</summary>
    public TimeSpan SoundAfter { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>A sending to another host that failed.</summary>
/// <param name="Turn">The turn of the order that it was for.</param>
public sealed record SendFailure(Guid Turn, string Why);

/// <summary>
/// What must be remembered of an instance from pass to pass, because no scan shows it. Immutable; all times are those of
/// a monotonic clock. Lost at a restart of the agent, which then merely is patient once more.
/// </summary>
public sealed record InstanceMemory
{
    public static readonly InstanceMemory None = new();

    public InstanceOrder Order { get; private init; } = InstanceOrder.Unwanted;

    /// <summary>Failures in a row, under this order.</summary>
    public int Failures { get; private init; }

    /// <summary>Nothing that failed is tried again before.</summary>
    public TimeSpan NotBefore { get; private init; }

    /// <summary>The last failure in words; null when there was none.</summary>
    public string? Why { get; private init; }

    /// <summary>What the last failure made of the instance.</summary>
    public InstanceStatus FailureStatus { get; private init; } = InstanceStatus.Broken;

    /// <summary>Since when the domain, seen on, shall be off.</summary>
    public TimeSpan? StopSince { get; private init; }

    /// <summary>When the power button was last pressed, since the domain was last off.</summary>
    public TimeSpan? PressedAt { get; private init; }

    /// <summary>The start was withdrawn or given up: nothing has booted that could be shut down, so cut the power.</summary>
    public bool CutPower { get; private init; }

    /// <summary>Since when the domain has been seen on; null when it was last seen off.</summary>
    public TimeSpan? OnSince { get; private init; }

    /// <summary>What its devices resist while it is on, and what its guest was told of them.</summary>
    public DeviceMemory Devices { get; private init; } = DeviceMemory.None;

    /// <summary>How far orders to restart it have come.</summary>
    public RestartMemory Restarts { get; private init; } = RestartMemory.None;

    /// <summary>What its guest resists of changes of its size.</summary>
    public ResizeMemory Sizes { get; private init; } = ResizeMemory.None;

    /// <summary>How it went off by itself while it was to be on; null while it is on, or off as ordered.</summary>
    public DomainEnd? Ended { get; private init; }

    /// <summary>It was to be off, and is to be on since: however it ended before, it may start.</summary>
    public bool HasChance { get; private init; }

    /// <summary>This agent has seen it on, or started it: how it ends from then on is not unseen.</summary>
    public bool HasSeenOn { get; private init; }

    /// <summary>Its watchdog has paused it, which no other order has touched since.</summary>
    public bool StandsStill { get; private init; }

    /// <summary>The last sending to another host that failed; null when none has.</summary>
    public SendFailure? SendFailure { get; private init; }

    private bool WatchdogSeen { get; init; }

    private bool OffExpected { get; init; }

    private bool ErrorSeen { get; init; }

    /// <summary>The memory after a look at the domain.</summary>
    /// <param name="domain">Null when there is none.</param>
    /// <param name="isBusy">An action or a call is in flight, so what is seen may be its doing.</param>
    public InstanceMemory Observe(InstanceOrder order, ObservedDomain? domain, bool isBusy, TimeSpan now, RetryOptions retry)
    {
        var memory = Ordered(order);
        if (domain is null or { State: DomainState.Off })
            return memory.SeenOff(domain, isBusy, now, retry);
        memory = memory with
        {
            OnSince = memory.OnSince ?? now,
            HasSeenOn = true,
            Devices = memory.Devices.Observe(domain),
            Restarts = memory.Restarts.Observe(domain),
            Sizes = memory.Sizes.Observe(domain),
            Ended = domain.State == DomainState.Crashed || domain.Reason == DomainReason.Crashed ? DomainEnd.Crashed : null,
            HasChance = false,
            WatchdogSeen = IsPausedByWatchdog(domain),
            StandsStill = IsPausedByWatchdog(domain) && (memory.StandsStill || !memory.WatchdogSeen),
            StopSince = order.IsOff ? memory.StopSince ?? now : null,
            // A start that was withdrawn and then ordered again: what runs now is wanted.
            CutPower = memory.CutPower && (order.IsOff || isBusy),
        };
        var isInError = IsInError(domain);
        if (isInError && !memory.ErrorSeen && !order.IsOff)
        {
            var (status, why) = Troubles.Describe(domain);
            return memory.Failed(status, why, now, retry) with { ErrorSeen = true };
        }
        // Soundness counts from the end of an error.
        memory = memory with { ErrorSeen = isInError, OnSince = isInError ? now : memory.OnSince };
        return !isInError && memory.Failures > 0 && now - memory.OnSince >= retry.SoundAfter ? memory.Sound() : memory;
    }

    /// <summary>The memory after an action has ended.</summary>
    public InstanceMemory After(ActionOutcome outcome, TimeSpan now, RetryOptions retry)
    {
        // That it could not be sent is no failure of the instance: it is here, and as it was.
        if (outcome.Action is InstanceAction.Send send)
            return outcome.End == ActionEnd.Failed ? this with { SendFailure = new SendFailure(send.Order.Turn, outcome.Why!) } : this;
        if (outcome.Action is InstanceAction.DeviceChange change)
            return this with { Devices = Devices.After(change, outcome, now, retry) };
        if (outcome.Action is InstanceAction.Resize resize)
            return this with { Sizes = Sizes.After(resize, outcome, now, retry) };
        if (outcome.Action is InstanceAction.RestartStep step)
        {
            var isReset = step is InstanceAction.Reset && outcome.End == ActionEnd.Done;
            return this with { Restarts = Restarts.After(step, outcome, now, retry), ErrorSeen = ErrorSeen && !isReset };
        }
        var memory = outcome.Action switch
        {
            InstanceAction.Shutdown => this with { PressedAt = now, OffExpected = true },
            // Once more in error is a new failure, not the old one.
            InstanceAction.PowerOff or InstanceAction.Remove => this with { OffExpected = true, ErrorSeen = false },
            InstanceAction.Resume => this with { ErrorSeen = false },
            // Off since it left: that was no failure.
            InstanceAction.Keep => this with { OffExpected = true },
            // On, if only for a moment: found off after that, it went off by itself.
            InstanceAction.Start start when outcome.End == ActionEnd.Done => this with
            {
                CutPower = false,
                OffExpected = false,
                OnSince = now,
                HasSeenOn = true,
                Devices = DeviceMemory.StartedWith(start.Disks),
            },
            InstanceAction.Start => this with { CutPower = true, OffExpected = true },
            _ => this,
        };
        return outcome.End switch
        {
            ActionEnd.Failed => memory.Failed(InstanceStatus.Broken, outcome.Why!, now, retry),
            // That a guest was started, or let go on, proves nothing yet: it may fail the next moment.
            ActionEnd.Done when memory.Order.IsOff || outcome.Action is InstanceAction.Define or InstanceAction.Pause => memory.Sound(),
            _ => memory,
        };
    }

    private static bool IsPausedByWatchdog(ObservedDomain domain) => domain is { State: DomainState.Paused, Reason: DomainReason.Watchdog };

    private static bool IsInError(ObservedDomain domain) => domain.State == DomainState.Crashed
        || domain is { State: DomainState.Paused, Reason: not (DomainReason.PausedByOrder or DomainReason.InTransition) };

    private InstanceMemory Ordered(InstanceOrder order)
    {
        if (order == Order)
            return this;
        var isTurned = order.IsOff != Order.IsOff;
        return Sound() with
        {
            Order = order,
            // A longer or shorter patience counts from the stop, not from its own change.
            StopSince = isTurned ? null : StopSince,
            PressedAt = isTurned ? null : PressedAt,
            ErrorSeen = false,
            Devices = Devices.Retry(),
            Restarts = Restarts.Ordered(order),
            Sizes = ResizeMemory.None,
            Ended = order.IsOff ? null : Ended,
            HasChance = !order.IsOff && (HasChance || Order is { Instance.State: InstanceState.Stopped }),
            StandsStill = StandsStill && order.Instance?.State == Order.Instance?.State,
        };
    }

    private InstanceMemory SeenOff(ObservedDomain? domain, bool isBusy, TimeSpan now, RetryOptions retry)
    {
        // Something is under way that may have turned it off, or is about to turn it on.
        if (isBusy)
            return this;
        var off = this with
        {
            OnSince = null,
            StopSince = null,
            PressedAt = null,
            Devices = DeviceMemory.None,
            CutPower = false,
            OffExpected = false,
            ErrorSeen = false,
            Restarts = Restarts.SeenOff(),
            Sizes = ResizeMemory.None,
            WatchdogSeen = false,
            StandsStill = false,
        };
        // A guest that was asked to restart may also turn itself off.
        var isCounted = ErrorSeen && Ended is not null;
        var isOwnDoing = OnSince is null || isCounted || ((OffExpected || Restarts.Wait is not null) && domain?.Reason != DomainReason.Crashed);
        if (Order.IsOff || isOwnDoing)
            return off;
        var (status, why) = Troubles.Describe(domain);
        return off.Failed(status, why, now, retry) with { Ended = RestartPolicy.EndOf(domain) };
    }

    private InstanceMemory Failed(InstanceStatus status, string why, TimeSpan now, RetryOptions retry) => this with
    {
        Failures = Failures + 1,
        NotBefore = now + retry.Backoff.DelayAfter(Failures + 1),
        FailureStatus = status,
        Why = why,
    };

    private InstanceMemory Sound() => this with { Failures = 0, NotBefore = TimeSpan.Zero, Why = null };
}
