using System.Text;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>What to do for one instance, and what to report of it.</summary>
/// <param name="Action">Null when there is nothing to do now.</param>
/// <param name="WakeAt">Look again at this time (monotonic) even if nothing happens.</param>
public sealed record InstancePlan(InstanceAction? Action, HostInstanceCurrent Status, TimeSpan? WakeAt);

/// <summary>What to do on the host. Data: it can be printed and compared.</summary>
/// <param name="Instances">By uuid. Every instance that is wanted here or that the platform has a domain of.</param>
/// <param name="Foreign">Domains that the platform did not make; reported, and in no action.</param>
/// <param name="Migrations">By uuid. Instances that leave or come.</param>
public sealed record HostPlan(IReadOnlyList<InstancePlan> Instances, IReadOnlyList<ObservedDomain> Foreign, IReadOnlyList<MigrationPlan> Migrations)
{
    public IEnumerable<InstanceAction> Actions =>
        Instances.Select(instance => instance.Action).Concat(Migrations.Select(migration => migration.Action)).OfType<InstanceAction>();

    public TimeSpan? WakeAt => Instances.Select(instance => instance.WakeAt).Concat(Migrations.Select(migration => migration.WakeAt)).Min();

    /// <summary>One line per instance: status, action, time and reason.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (action, status, wakeAt) in Instances)
        {
            text.Append($"{status.Instance}: {status.Status}");
            if (action is not null)
                text.Append($"; {action}");
            if (wakeAt is { } at)
                text.Append($"; again at {at.TotalSeconds:0.###} s");
            if (status.Why is not null)
                text.Append($" ({status.Why})");
            text.Append('\n');
        }
        foreach (var migration in Migrations)
            text.Append($"{migration}\n");
        foreach (var domain in Foreign)
            text.Append($"{domain.Uuid}: foreign, {domain.Name}\n");
        return text.ToString();
    }
}
