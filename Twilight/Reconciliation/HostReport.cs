using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// What the host has reported, and so what has changed since. Silent until it was complete once: a report without the
/// instances would say that there are none.
/// </summary>
internal sealed class HostReport(EntityCatalog catalog)
{
    private readonly Entity _host = catalog["host"];
    private readonly ReportedRows _places = new(catalog["host_instance"]);
    private readonly ReportedRows _migrations = new(catalog["host_migration"]);
    private HostCurrent? _reportedHost;

    /// <summary>Foreign domains as last seen.</summary>
    internal IReadOnlyList<ObservedDomain> Foreign { get; private set; } = [];

    /// <summary>The changes when only the host could be looked at; what was reported of the instances stands.</summary>
    internal IReadOnlyList<RowChange> HostAlone(HostCurrent host) => _reportedHost is null ? [] : HostChange(host);

    internal IReadOnlyList<RowChange> Complete(HostCurrent host, HostPlan plan)
    {
        Foreign = plan.Foreign;
        return
        [
            .. HostChange(host),
            .. _places.Become(plan.Instances.Select(instance => instance.Status)),
            .. _migrations.Become(plan.Migrations.Select(migration => migration.Row).OfType<HostMigrationCurrent>()),
        ];
    }

    private RowChange[] HostChange(HostCurrent host)
    {
        if (_reportedHost == host)
            return [];
        _reportedHost = host;
        return [RowChange.Set(_host, RowPart.Current, host)];
    }
}
