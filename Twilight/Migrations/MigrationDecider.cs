using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Migrations;

/// <summary>What follows from the move of an instance.</summary>
/// <param name="Instance">Instead of what would be done and said otherwise; null when that holds.</param>
/// <param name="Row">Null when there is nothing to report.</param>
internal sealed record MigrationDecision(Decision? Instance, MigrationWord? Row)
{
    /// <summary>Look again at this time (monotonic) even if nothing happens, beside what <see cref="Instance"/> says.</summary>
    public TimeSpan? WakeAt { get; init; }
}

/// <summary>What the host says of its part.</summary>
/// <param name="Turn">By which it acts; null while it knows of none, or something of an earlier one is still under way.</param>
internal sealed record MigrationWord(HostMigrationStatus Status, Guid? Turn, Guid? Peer, string? Why = null);

/// <summary>
/// What to do with an instance that moves.
/// <code>
///   domain              role   SEND                    STAY            KEEP            (none)       RECEIVE      TAKE          DISCARD
///   none, with a place         DEPART                  here            here            -            -            -             -
///   none, without a place      left                    left            -               -            ready        -             left
///   its own, on                SEND once a turn        here            here            -            REMOVE       -             REMOVE
///   its own, off               DEPART                  here            here            -            REMOVE       -             REMOVE
///   leaving, on                SEND once a turn, KEEP  KEEP            KEEP            KEEP         KEEP         KEEP          KEEP
///   leaving, off and migrated  its mark is told so first, then as below
///   leaving, off               left: nothing           left: nothing   KEEP            nothing      nothing      nothing       nothing
///   arriving, not whole        receiving: nothing                                                                              REMOVE
///   arriving, stands still     arrived: nothing                                                                  TAKE          REMOVE
///   arriving, off              REMOVE, as it is not whole any more                                               TAKE          REMOVE
///
///   its own:    what is ordered of the instance is done as ever, and comes before SEND
///   leaving:    off and without a place it is removed as ever; on, what turns it off is done as ever, and comes before KEEP
///   SEND under way: withdrawn when its turn is over, and when anything else is ordered of the instance
/// </code>
/// </summary>
internal static class MigrationDecider
{
    /// <param name="at">The situation.</param>
    /// <param name="ordinary">What would be done otherwise, in a situation like this one.</param>
    internal static MigrationDecision Decide(Situation at, Func<Situation, Decision> ordinary)
    {
        var decision = Moving(at, ordinary);
        if (!at.MigrationView.IsRead || at.Wanted is null)
            return decision;
        // Nobody reads what a guest writes.
        var otherwise = decision.Instance ?? ordinary(at);
        return otherwise.Action is InstanceAction.Start or InstanceAction.Keep
            ? decision with { Instance = new Decision(null, InstanceStatus.Stopped, "Waiting until nobody reads its volumes any more.") }
            : decision;
    }

    /// <summary>
    /// Whether the other host may read the volumes of the instance: it has left. That it was copied does not matter: who asks to read has no
    /// copy any more, and one that did not go on has changed nothing.
    /// </summary>
    internal static bool MayBeRead(MigrationOrder? order, MigrationWord? word) =>
        order is { Role: MigrationRole.Send } && word is { Status: HostMigrationStatus.Left } && word.Turn == order.Turn;

    private static MigrationDecision Moving(Situation at, Func<Situation, Decision> ordinary)
    {
        var mark = at.Domain is null ? null : DomainMetadata.Of(at.Domain);
        if (mark?.Arriving is { } source)
            return ArrivalDecider.Decide(at, mark, source);
        if (at.InFlight is InstanceAction.Send send)
            return Sending(at, send, ordinary);
        if (mark?.Leaving is { } destination)
            return Leaving(at, mark, destination, ordinary);
        return at.Migration is { } order ? Unmarked(at, mark, order, ordinary) : new MigrationDecision(null, null);
    }

    private static MigrationDecision Unmarked(Situation at, DomainMetadata? mark, MigrationOrder order, Func<Situation, Decision> ordinary)
    {
        switch (order.Role)
        {
            case MigrationRole.Receive:
                return ArrivalDecider.Expecting(at, order);
            case MigrationRole.Send when mark is not null && at.Wanted is not null:
                return ToSend(at, mark, order, ordinary);
            // The word of having left must last, whatever is forgotten: so there is a domain that is marked.
            case MigrationRole.Send when at.Wanted?.Definition is { } definition && (!IsBusy(at) || at.InFlight is InstanceAction.Depart):
                var departed = new DomainMetadata(at.Instance, definition.Shape)
                {
                    Fields = definition.Fields,
                    Leaving = order.Peer,
                };
                return new MigrationDecision(
                    Retried(at, new InstanceAction.Depart(departed, definition), InstanceStatus.Stopped), Word(HostMigrationStatus.Here, order));
            case MigrationRole.Send or MigrationRole.Stay when mark is null && at.Wanted is null && !IsBusy(at):
                return new MigrationDecision(null, Word(HostMigrationStatus.Left, order));
            case MigrationRole.Stay or MigrationRole.Keep or MigrationRole.Take when at.Wanted is not null && !at.IsUnsettled:
                return new MigrationDecision(null, Word(HostMigrationStatus.Here, order));
            case MigrationRole.Discard when mark is null && !IsBusy(at):
                return new MigrationDecision(null, Word(HostMigrationStatus.Left, order));
            default:
                return new MigrationDecision(null, null);
        }
    }

    /// <summary>It is here, may be marked already, and is to go.</summary>
    private static MigrationDecision ToSend(Situation at, DomainMetadata mark, MigrationOrder order, Func<Situation, Decision> ordinary)
    {
        var otherwise = ordinary(at);
        if (at.IsOff)
        {
            if (at.InFlight is not null and not InstanceAction.Depart || at.IsUnsettled)
                return new MigrationDecision(otherwise, Word(HostMigrationStatus.Here, order));
            var departed = mark with { Leaving = order.Peer };
            return new MigrationDecision(
                Retried(at, new InstanceAction.Depart(departed, null), InstanceStatus.Stopped), Word(HostMigrationStatus.Here, order));
        }
        if (at.Memory.SendFailure is { } failure && failure.Turn == order.Turn)
            return new MigrationDecision(otherwise, Word(HostMigrationStatus.Broken, order, failure.Why));
        if (order.Door is null || !IsIdle(otherwise) || IsBusy(at) || !CanBeSent(at.Domain!))
            return new MigrationDecision(otherwise, Word(HostMigrationStatus.Here, order, order.Door is null ? null : "Something else is done with it first."));
        return new MigrationDecision(
            otherwise with { Action = new InstanceAction.Send(order) }, Word(HostMigrationStatus.Sending, order));
    }

    private static MigrationDecision Sending(Situation at, InstanceAction.Send send, Func<Situation, Decision> ordinary)
    {
        var isOrdered = IsSame(at.Migration, send.Order);
        var word = new MigrationWord(HostMigrationStatus.Sending, isOrdered ? at.Migration!.Turn : send.Order.Turn, send.Order.Peer);
        var otherwise = ordinary(at with { InFlight = null, IsUnsettled = false });
        var isOn = !at.IsOff;
        // Off, it has left, and is not started; what was ordered comes after the sending has ended.
        if (isOrdered && at.Wanted is not null && (!isOn || IsIdle(otherwise)))
        {
            var status = isOn && at.Domain!.Reason == DomainReason.InTransition ? InstanceStatus.Running : otherwise.Status;
            return new MigrationDecision(
                new Decision(send, isOn ? status : InstanceStatus.Stopped, isOn ? otherwise.Why : "It has left this host.") { Pending = otherwise.Pending }, word);
        }
        return new MigrationDecision(new Decision(null, isOn ? otherwise.Status : InstanceStatus.Stopped, "The sending is broken off."), word);
    }

    private static MigrationDecision Leaving(Situation at, DomainMetadata mark, Guid destination, Func<Situation, Decision> ordinary)
    {
        var order = at.Migration;
        var left = new MigrationWord(HostMigrationStatus.Left, order?.Turn, mark.HasMigrated ? destination : null);
        if (at.IsOff)
        {
            // Its place has gone: what stays behind is removed, as anything that has no place here.
            if (at.Wanted is null)
                return new MigrationDecision(null, left);
            if (order?.Role == MigrationRole.Keep && (!IsBusy(at) || at.InFlight is InstanceAction.Keep))
                return new MigrationDecision(Retried(at, KeepOf(at, mark), InstanceStatus.Stopped), left);
            // Written down first, since the hypervisor forgets it.
            if (at.Domain!.Reason == DomainReason.Migrated && !mark.HasMigrated)
            {
                var isFree = !IsBusy(at) || at.InFlight is InstanceAction.Depart;
                return new MigrationDecision(
                    isFree
                        ? Retried(at, new InstanceAction.Depart(mark with { HasMigrated = true }, null), InstanceStatus.Stopped)
                        : new Decision(null, InstanceStatus.Stopped, "It has left this host."),
                    new MigrationWord(HostMigrationStatus.Sending, order?.Turn, destination));
            }
            return new MigrationDecision(new Decision(null, InstanceStatus.Stopped, $"It has left for host {destination}."), left);
        }
        if (at.IsUnsettled || at.InFlight is InstanceAction.Keep)
            return new MigrationDecision(StillAtWork(at, ordinary), new MigrationWord(HostMigrationStatus.Sending, null, destination));
        var otherwise = ordinary(at);
        // What turns it off needs no mark taken away first.
        if (otherwise.Action is InstanceAction.PowerOff or InstanceAction.Shutdown or InstanceAction.Remove || at.Wanted is null)
            return new MigrationDecision(otherwise, null);
        if (order is { Role: MigrationRole.Send } && order.Turn != at.Memory.SendFailure?.Turn && CanBeSent(at.Domain!) && IsIdle(otherwise))
            return ToSend(at, mark, order, ordinary);
        return new MigrationDecision(
            Retried(at, KeepOf(at, mark), otherwise.Status),
            order?.Turn == at.Memory.SendFailure?.Turn && order is not null && CanBeSent(at.Domain!)
                ? Word(HostMigrationStatus.Broken, order, at.Memory.SendFailure!.Why)
                : new MigrationWord(HostMigrationStatus.Sending, null, destination));
    }

    /// <summary>An earlier call may still change it; cutting its power is right at any time.</summary>
    private static Decision StillAtWork(Situation at, Func<Situation, Decision> ordinary)
    {
        var otherwise = ordinary(at with { InFlight = null });
        return otherwise.Action is InstanceAction.PowerOff
            ? otherwise
            : new Decision(at.InFlight, otherwise.Status, "Waiting for the sending to end.");
    }

    private static InstanceAction.Keep KeepOf(Situation at, DomainMetadata mark) =>
        new(mark with { Leaving = null, HasMigrated = false }, ResumeFirst: at.Domain is { State: DomainState.Paused, Reason: DomainReason.InTransition });

    private static Decision Retried(Situation at, InstanceAction action, InstanceStatus status) => at.MustWait
        ? new Decision(null, at.Memory.FailureStatus, at.Memory.Why, at.Memory.NotBefore)
        : new Decision(action, status);

    private static bool CanBeSent(ObservedDomain domain) =>
        domain is { State: DomainState.Running } or { State: DomainState.Paused, Reason: DomainReason.PausedByOrder };

    /// <summary>Changes of cards and disks wait until it has arrived; whatever else is ordered comes first.</summary>
    private static bool IsIdle(Decision decision) => decision.Action is null or InstanceAction.DeviceChange;

    private static bool IsBusy(Situation at) => at.InFlight is not null || at.IsUnsettled || at.MigrationView.IsOpen;

    /// <summary>The same in another turn breaks nothing off, and neither does an order to begin no copy.</summary>
    private static bool IsSame(MigrationOrder? order, MigrationOrder begun) => order is { Role: MigrationRole.Send } && order.Peer == begun.Peer
        && (order.Door is null || order.Door == begun.Door);

    // Of a peer only one that has a copy may be named.
    private static MigrationWord Word(HostMigrationStatus status, MigrationOrder order, string? why = null) =>
        new(status, order.Turn, status == HostMigrationStatus.Left ? null : order.Peer, why);
}
