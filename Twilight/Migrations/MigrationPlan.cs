using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Migrations;

/// <summary>What to do about the move of an instance, and what to report of it.</summary>
/// <param name="Instance">Which it is.</param>
/// <param name="Action">What to do with a domain that is not the instance yet; null where there is nothing to do, or the instance's own plan says it.</param>
/// <param name="Row">Null when there is nothing to report.</param>
/// <param name="WakeAt">Look again at this time (monotonic) even if nothing happens.</param>
public sealed record MigrationPlan(Guid Instance, InstanceAction? Action, HostMigrationCurrent? Row, TimeSpan? WakeAt)
{
    /// <summary>The other host may read what it left behind.</summary>
    public bool MayBeRead { get; init; }

    public override string ToString() =>
        $"{Instance}: {Row?.Status.ToString() ?? "nothing to say"}{(Action is null ? "" : $"; {Action}")}{(Row?.Why is null ? "" : $" ({Row.Why})")}";
}
