using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>All that a decision about one instance looks at.</summary>
internal sealed record Situation
{
    public required Guid Instance { get; init; }

    /// <summary>Null when the instance is not wanted here.</summary>
    public required WantedInstance? Wanted { get; init; }

    /// <summary>The domain, which is ours; null when there is none.</summary>
    public required ObservedDomain? Domain { get; init; }

    /// <summary>What there is on the host for the instance's cards, and others.</summary>
    public required IReadOnlyDictionary<Guid, CardState> Cards { get; init; }

    /// <summary>What there is on the host for the instance's disks, and others.</summary>
    public required IReadOnlyDictionary<Guid, DiskState> Disks { get; init; }

    public required InstanceMemory Memory { get; init; }

    public required InstanceAction? InFlight { get; init; }

    /// <summary>A call that was given up may still change the domain.</summary>
    public required bool IsUnsettled { get; init; }

    public required TimeSpan Now { get; init; }

    /// <summary>What the controller says of its move from or to this host; null when nothing.</summary>
    public MigrationOrder? Migration { get; init; }

    /// <summary>What would be wanted here if it had its place here; null unless it comes.</summary>
    public WantedInstance? Coming { get; init; }

    public MigrationView MigrationView { get; init; } = MigrationView.None;

    public bool IsOff => Domain is null or { State: DomainState.Off };

    public bool MustWait => Now < Memory.NotBefore;
}

internal sealed record Decision(InstanceAction? Action, InstanceStatus Status, string? Why = null, TimeSpan? WakeAt = null)
{
    /// <summary>Columns that the domain shows as ordered from its next start on only.</summary>
    public IReadOnlyList<string> Pending { get; init; } = [];
}

/// <summary>
/// What to do with one instance.
/// <code>
///   order      domain: none/off            running          paused               crashed
///   running    START (backoff)             -                RESUME (backoff)     POWER OFF (backoff), then START
///   paused     START paused (backoff)      PAUSE            -                    POWER OFF (backoff), then START paused
///   stopped    DEFINE if shape differs     SHUT DOWN, again every 10 s until stop_timeout, then POWER OFF
///   unwanted   REMOVE                      REMOVE           REMOVE               REMOVE
///
///   stopped: the first SHUT DOWN asks the agent in the guest, if one listens
///   running and paused: START waits until its cards and disks are ready; on, and otherwise as ordered, they are changed
///   (<see cref="DeviceDecider"/>)
///   running and paused: an instance that is on is restarted (<see cref="RestartDecider"/>) and resized (<see cref="ResizeDecider"/>)
///   held       whatever it does: nothing
///
///   in flight: a START that is no longer wanted becomes POWER OFF or REMOVE at once; an action that still leads to the
///   order is kept; any other is dropped, which cancels it.
/// </code>
/// </summary>
internal static class InstanceDecider
{
    // A guest whose kernel has not come up yet misses the button.
    private static readonly TimeSpan PressAgainAfter = TimeSpan.FromSeconds(10);

    /// <summary>The report while no orders are known: what is, and nothing to do.</summary>
    internal static Decision WithoutOrders(Situation at) => new(null, StatusOf(at.Domain));

    /// <summary>
    /// Nothing is done to it. What was begun under an earlier order comes to its end, since to cancel it would be to touch
    /// the domain; a removal is broken off.
    /// </summary>
    internal static Decision Held(Situation at) => new(
        at.InFlight is InstanceAction.Remove ? null : at.InFlight, StatusOf(at.Domain),
        "Held: the controller does not know it and did not order its removal.");

    internal static Decision Decide(Situation at)
    {
        if (at.InFlight is { } action)
        {
            if (action is InstanceAction.Start && IsToBeOff(at))
            {
                return new Decision(
                    at.Wanted is null ? new InstanceAction.Remove(at.Instance) : new InstanceAction.PowerOff(at.Instance),
                    InstanceStatus.Stopping, "Withdrawing the start.");
            }
            if (LeadsToOrder(action, at))
            {
                return action is InstanceAction.DeviceChange
                    ? Fresh(at) with { Action = action }
                    : new Decision(action, StatusDuring(action, at), null, action is InstanceAction.Shutdown ? CutAt(at, at.Wanted!.Instance!) : null);
            }
        }
        var decision = Fresh(at);
        if (!at.IsUnsettled || decision.Action is null or InstanceAction.PowerOff)
            return decision;
        // Whatever is still under way could undo a new action. Cutting the power is safe at any time.
        return !at.IsOff && decision.Action is InstanceAction.Remove
            ? decision with { Action = new InstanceAction.PowerOff(at.Instance) }
            : decision with { Action = null, Why = "Waiting for an earlier call to the hypervisor to end." };
    }

    private static bool IsToBeOff(Situation at) => at.Wanted is null || at.Wanted.Instance?.State == InstanceState.Stopped;

    private static bool LeadsToOrder(InstanceAction action, Situation at) => (action, at.Wanted?.Instance?.State) switch
    {
        (InstanceAction.Remove, null) => at.Wanted is null,
        (InstanceAction.Start, InstanceState.Running or InstanceState.Paused) => true,
        (InstanceAction.Resume, InstanceState.Running) => true,
        (InstanceAction.Pause, InstanceState.Paused) => true,
        (InstanceAction.PowerOff, InstanceState.Stopped) => true,
        // The button is no use once the patience is over or the power may be cut.
        (InstanceAction.Shutdown, InstanceState.Stopped) => !IsPowerCutDue(at, at.Wanted!.Instance!),
        (InstanceAction.DeviceChange change, InstanceState.Running or InstanceState.Paused) => DeviceDecider.IsStillWanted(change, at.Wanted!),
        (InstanceAction.RestartStep step, InstanceState.Running or InstanceState.Paused) => RestartDecider.IsStillWanted(step, at, at.Wanted!.Instance!),
        (InstanceAction.Resize resize, InstanceState.Running) => ResizeDecider.IsStillWanted(resize, at.Wanted!.Instance!),
        (InstanceAction.SetMark set, InstanceState.Stopped) => at.IsOff || (!set.Mark.HasRun && !IsPowerCutDue(at, at.Wanted!.Instance!)),
        (InstanceAction.Define define, InstanceState.Stopped) => define.Definition == at.Wanted!.Definition,
        _ => false,
    };

    private static InstanceStatus StatusDuring(InstanceAction action, Situation at) => action switch
    {
        InstanceAction.Start => InstanceStatus.Starting,
        InstanceAction.Shutdown or InstanceAction.PowerOff or InstanceAction.Remove => InstanceStatus.Stopping,
        _ => StatusOf(at.Domain),
    };

    private static Decision Fresh(Situation at)
    {
        if (at.Wanted is not { } wanted)
            return Retried(at, new InstanceAction.Remove(at.Instance), InstanceStatus.Stopping, "No longer wanted on this host.");
        if (wanted.Instance is not { } instance)
            return new Decision(null, at.IsOff ? InstanceStatus.Waiting : StatusOf(at.Domain), "The instance itself is not known here yet.");
        var decision = instance.State == InstanceState.Stopped ? Stopped(at, instance) : On(at, wanted, instance);
        if (at.IsOff || instance.State == InstanceState.Stopped || wanted.Definition is not { } definition
            || DomainMetadata.Of(at.Domain!) is not { } mark || mark.Shape == definition.Shape)
        {
            return decision;
        }
        var pending = ShapeFields.Pending(mark.Fields, definition.Fields, instance);
        return decision with
        {
            Pending = pending,
            Why = decision.Why ?? (pending.Count == 0
                ? "Its changed shape applies from the next start on."
                : $"From the next start on: {string.Join(", ", pending)}."),
        };
    }

    private static Decision Stopped(Situation at, InstanceDesired instance)
    {
        if (at.IsOff)
        {
            return at.Wanted!.Definition is { } definition && ShapeOf(at.Domain) != definition.Shape
                ? Retried(at, new InstanceAction.Define(definition), InstanceStatus.Stopped, null)
                : RestartPolicy.Forgiven(at) is { } forgiven ? new Decision(forgiven.Action, InstanceStatus.Stopped, null, forgiven.WakeAt)
                : new Decision(null, InstanceStatus.Stopped);
        }
        if (IsPowerCutDue(at, instance))
            return Retried(at, new InstanceAction.PowerOff(at.Instance), InstanceStatus.Stopping, null);
        var cutAt = CutAt(at, instance);
        var pressAt = at.Memory.PressedAt is { } pressed ? pressed + PressAgainAfter : at.Now;
        if (at.Memory.Failures > 0 && at.Memory.NotBefore > pressAt)
            pressAt = at.Memory.NotBefore;
        if (pressAt <= at.Now && at.Domain!.State != DomainState.ShuttingDown)
        {
            return new Decision(
                new InstanceAction.Shutdown(at.Instance, ResumeFirst: at.Domain.State == DomainState.Paused)
                {
                    // Whoever did not follow its agent is not helped by asking it again.
                    ByAgent = at.Domain.HasAgent && at.Memory.PressedAt is null,
                },
                InstanceStatus.Stopping, null, cutAt);
        }
        var waiting = new Decision(
            null, InstanceStatus.Stopping, at.Memory.Why, pressAt > at.Now && pressAt < cutAt ? pressAt : cutAt);
        // After the button, so that a stop never waits for it: should the agent end before the guest does, the guest did not go off by itself.
        return With(waiting, RestartPolicy.Forgiven(at));
    }

    private static TimeSpan CutAt(Situation at, InstanceDesired instance) =>
        (at.Memory.StopSince ?? at.Now) + TimeSpan.FromSeconds(instance.StopTimeout);

    private static bool IsPowerCutDue(Situation at, InstanceDesired instance) =>
        instance.StopTimeout == 0
        || at.Memory.CutPower
        || at.Domain is { State: DomainState.Crashed } or { Reason: DomainReason.Crashed or DomainReason.InTransition }
        || at.Now >= at.Memory.StopSince + TimeSpan.FromSeconds(instance.StopTimeout);

    private static Decision On(Situation at, WantedInstance wanted, InstanceDesired instance)
    {
        var isPaused = instance.State == InstanceState.Paused;
        if (at.IsOff)
        {
            if (wanted.Definition is not { } definition)
                return new Decision(null, InstanceStatus.Broken, $"The CPU profile {instance.CpuProfile} is not known here.");
            if (RestartPolicy.InsteadOfStart(at, instance) is { } instead)
                return instead;
            return (at.MustWait ? null : DeviceDecider.BeforeStart(at, wanted))
                ?? Retried(
                    at, new InstanceAction.Start(definition, isPaused) { Disks = DiskDecider.ToStartWith(at, wanted.Disks) },
                    InstanceStatus.Starting, null);
        }
        var restart = RestartDecider.WhileOn(at, instance);
        if (restart?.Action is { } action)
            return new Decision(action, StatusOf(at.Domain));
        var decision = With(WhileOn(at, wanted, isPaused), restart);
        // Whatever else is to be done comes first, since a guest follows when it likes.
        return decision.Action is null && !isPaused ? With(decision, ResizeDecider.WhileOn(at, instance)) : decision;
    }

    private static Decision With(Decision decision, Step? step) => step is null ? decision : decision with
    {
        Action = decision.Action ?? step.Action,
        Why = decision.Why ?? step.Why,
        WakeAt = decision.WakeAt is null || step.WakeAt < decision.WakeAt ? step.WakeAt : decision.WakeAt,
    };

    private static Decision WhileOn(Situation at, WantedInstance wanted, bool isPaused) =>
        at.Domain!.State switch
        {
            DomainState.Running when isPaused =>
                Retried(at, new InstanceAction.Pause(at.Instance), InstanceStatus.Running, null),
            DomainState.Crashed or DomainState.Paused when at.Domain.Reason == DomainReason.Crashed =>
                Retried(at, new InstanceAction.PowerOff(at.Instance), InstanceStatus.Crashed, "The guest crashed."),
            DomainState.Paused when at.Domain.Reason == DomainReason.InTransition =>
                new Decision(null, InstanceStatus.Starting, "The hypervisor is at work on it."),
            DomainState.Paused when isPaused =>
                at.Domain.Reason == DomainReason.PausedByOrder
                    ? DeviceDecider.WhileOn(at, wanted, InstanceStatus.Paused)
                    : new Decision(null, InstanceStatus.Paused, at.Memory.Why),
            DomainState.Paused when at.Memory.StandsStill =>
                new Decision(null, InstanceStatus.Paused, "The guest no longer fed its watchdog, which paused it for somebody to look at it."),
            DomainState.Paused =>
                Retried(at, new InstanceAction.Resume(at.Instance), InstanceStatus.Paused, null),
            DomainState.ShuttingDown => new Decision(null, InstanceStatus.Stopping, "The guest is turning itself off."),
            DomainState.Asleep => new Decision(null, InstanceStatus.Paused, "The guest put itself to sleep."),
            DomainState.Unknown => new Decision(null, InstanceStatus.Broken, "The hypervisor does not say what it does."),
            _ => DeviceDecider.WhileOn(at, wanted, InstanceStatus.Running),
        };

    /// <summary>The action, or while its last failure is too recent the wait for it.</summary>
    private static Decision Retried(Situation at, InstanceAction action, InstanceStatus during, string? why) => at.MustWait
        ? new Decision(null, at.Memory.FailureStatus, at.Memory.Why, at.Memory.NotBefore)
        : new Decision(action, during, why);

    private static string? ShapeOf(ObservedDomain? domain) => domain is null ? null : DomainMetadata.Of(domain)?.Shape;

    private static InstanceStatus StatusOf(ObservedDomain? domain) => domain switch
    {
        null or { State: DomainState.Off, Reason: not DomainReason.Crashed } => InstanceStatus.Stopped,
        { State: DomainState.Crashed } or { Reason: DomainReason.Crashed } => InstanceStatus.Crashed,
        { State: DomainState.Running } => InstanceStatus.Running,
        { State: DomainState.Paused, Reason: DomainReason.InTransition } => InstanceStatus.Starting,
        { State: DomainState.Paused or DomainState.Asleep } => InstanceStatus.Paused,
        { State: DomainState.ShuttingDown } => InstanceStatus.Stopping,
        _ => InstanceStatus.Broken,
    };
}
