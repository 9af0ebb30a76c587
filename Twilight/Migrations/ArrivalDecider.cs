using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Migrations;

/// <summary>What to do at a destination: the part of <see cref="MigrationDecider"/> that is about copies which come in, or are to.</summary>
internal static class ArrivalDecider
{
    /// <summary>There is no copy yet, and one may come.</summary>
    internal static MigrationDecision Expecting(Situation at, MigrationOrder order)
    {
        MigrationWord Word(HostMigrationStatus status, string? why) => new(status, order.Turn, order.Peer, why);
        if (at.Domain is not null || at.InFlight is not null || at.IsUnsettled)
            return new MigrationDecision(null, Word(HostMigrationStatus.Preparing, "A domain of it is here still, which is not what comes."));
        if (at.MigrationView.IsOpen)
            return new MigrationDecision(null, Word(HostMigrationStatus.Receiving, null));
        if (at.Coming is not { Instance: not null } coming)
            return new MigrationDecision(null, Word(HostMigrationStatus.Preparing, "The instance itself is not known here yet."));
        if (coming.Definition is null)
            return new MigrationDecision(null, Word(HostMigrationStatus.Preparing, "Its CPU profile is not known here yet."));
        if (DeviceDecider.BeforeStart(at, coming) is { } unready)
        {
            var status = unready.Status == InstanceStatus.Broken ? HostMigrationStatus.Broken : HostMigrationStatus.Preparing;
            return new MigrationDecision(null, Word(status, unready.Why)) { WakeAt = unready.WakeAt };
        }
        return new MigrationDecision(null, at.MigrationView.Ticket is null
            ? Word(HostMigrationStatus.Preparing, "Its ticket is not made yet.")
            : Word(HostMigrationStatus.Ready, null));
    }

    internal static MigrationDecision Decide(Situation at, DomainMetadata mark, Guid source)
    {
        var order = at.Migration;
        var stage = StageOf(at);
        MigrationWord? word = stage switch
        {
            Stage.Coming => new(HostMigrationStatus.Receiving, order?.Turn, source),
            Stage.Whole => new(HostMigrationStatus.Arrived, order?.Turn, source),
            _ => null,
        };
        if (order?.Role == MigrationRole.Discard || (stage == Stage.Lost && order?.Role != MigrationRole.Take && at.Wanted is null))
            return Do(at, new InstanceAction.Remove(at.Instance), "A copy that nobody needs.", word);
        if (order?.Role == MigrationRole.Take && stage != Stage.Coming)
            return Do(at, new InstanceAction.Take(mark with { Arriving = null }), "It is about to go on here.", word);
        return Do(at, null, stage == Stage.Coming ? "A copy of it is coming in." : "A copy of it stands still here.", word);
    }

    private static MigrationDecision Do(Situation at, InstanceAction? action, string why, MigrationWord? word)
    {
        var status = at.IsOff ? InstanceStatus.Stopped : InstanceStatus.Paused;
        if (action is null || action.Equals(at.InFlight))
            return new MigrationDecision(new Decision(action, status, why), word);
        // One that is still under way is withdrawn first; a call that was given up may still end.
        if (at.InFlight is not null || at.IsUnsettled)
            return new MigrationDecision(new Decision(null, status, "Waiting for an earlier call to the hypervisor to end."), word);
        return at.MustWait
            ? new MigrationDecision(new Decision(null, status, at.Memory.Why, at.Memory.NotBefore), word is null ? null : word with { Why = at.Memory.Why })
            : new MigrationDecision(new Decision(action, status, why), word);
    }

    private static Stage StageOf(Situation at) => at.Domain switch
    {
        { State: DomainState.Off } => at.MigrationView.IsOpen ? Stage.Coming : Stage.Lost,
        { State: DomainState.Paused, Reason: DomainReason.InTransition } or { State: DomainState.Unknown } => Stage.Coming,
        _ => Stage.Whole,
    };

    private enum Stage
    {
        /// <summary>Not whole; the hypervisor removes it if it does not become so.</summary>
        Coming,

        /// <summary>It could go on.</summary>
        Whole,

        /// <summary>It was whole, and its memory is gone.</summary>
        Lost,
    }
}
