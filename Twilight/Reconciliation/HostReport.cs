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
    private readonly Entity _places = catalog["host_instance"];
    private readonly Dictionary<RowKey, HostInstanceCurrent> _reported = [];
    private HostCurrent? _reportedHost;

    /// <summary>Foreign domains as last seen.</summary>
    internal IReadOnlyList<ObservedDomain> Foreign { get; private set; } = [];

    /// <summary>The changes when only the host could be looked at; what was reported of the instances stands.</summary>
    internal IReadOnlyList<RowChange> HostAlone(HostCurrent host) => _reportedHost is null ? [] : [.. HostChange(host)];

    internal IReadOnlyList<RowChange> Complete(HostCurrent host, HostPlan plan)
    {
        Foreign = plan.Foreign;
        var changes = HostChange(host);
        var gone = _reported.Keys.ToHashSet();
        foreach (var (_, status, _) in plan.Instances)
        {
            var key = _places.KeyOf(RowPart.Current, status);
            gone.Remove(key);
            if (_reported.GetValueOrDefault(key) == status)
                continue;
            _reported[key] = status;
            changes.Add(RowChange.Set(_places, RowPart.Current, status));
        }
        foreach (var key in gone)
        {
            _reported.Remove(key);
            changes.Add(RowChange.Remove(_places, RowPart.Current, key));
        }
        return changes;
    }

    private List<RowChange> HostChange(HostCurrent host)
    {
        if (_reportedHost == host)
            return [];
        _reportedHost = host;
        return [RowChange.Set(_host, RowPart.Current, host)];
    }
}
