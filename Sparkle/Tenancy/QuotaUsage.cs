using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Tenancy;

/// <summary>
/// Shows beside each limit what the tenant's orders add up to. It is summed up from the rows anew whenever one of them
/// changes, never counted up and down, so it cannot drift. Owned by the control loop.
/// </summary>
/// <remarks>Only shown: the limits themselves are kept by the database, within the transaction of each order.</remarks>
public sealed class QuotaUsage(EntityCatalog catalog) : IControlFeature
{
    private readonly Entity _quota = catalog["quota"];
    private readonly TenantResources _resources = new(catalog);

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        var quotas = new HashSet<Row>();
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == _quota && transition.Changed(RowPart.Desired))
            {
                if (transition.After?.Desired is not null)
                    quotas.Add(transition.After);
                else if (transition.After is not null)
                    yield return RowChange.Remove(_quota, RowPart.Current, transition.Key);
            }
        }
        foreach (var tenant in _resources.Concerned(changes))
            quotas.UnionWith(changes.After[_quota].Where("tenant", tenant).Where(row => row.Desired is not null));
        foreach (var row in quotas)
        {
            var quota = (QuotaDesired)row.Desired!;
            yield return RowChange.Set(_quota, RowPart.Current, new QuotaCurrent
            {
                Uuid = quota.Uuid,
                Used = _resources.Used(changes.After, quota),
            });
        }
    }
}
