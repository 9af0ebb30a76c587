using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Tenancy;

/// <summary>What the rows of a tenant mean in terms of quotas; the same as the schema's own functions say.</summary>
internal sealed class TenantResources(EntityCatalog catalog)
{
    private readonly Entity _instance = catalog["instance"];
    private readonly Entity _volume = catalog["volume"];
    private readonly Entity _switch = catalog["switch"];
    private readonly Entity _network = catalog["network"];
    private readonly Entity _vnic = catalog["vnic"];
    private readonly Entity _address = catalog["address"];

    /// <summary>The tenants of whose resources some may be more or less than before.</summary>
    public HashSet<string> Concerned(ChangeSet changes)
    {
        var tenants = new HashSet<Guid?>();
        foreach (var transition in changes.Rows)
        {
            if (!transition.Changed(RowPart.Desired))
                continue;
            tenants.Add(OwnerOf(changes.Before, transition.Before?.Desired));
            tenants.Add(OwnerOf(changes.After, transition.After?.Desired));
        }
        return [.. tenants.OfType<Guid>().Select(tenant => tenant.ToString())];
    }

    /// <summary>What the tenant's orders add up to, in the unit of the quota.</summary>
    public long Used(StateSnapshot state, QuotaDesired quota)
    {
        var tenant = quota.Tenant.ToString();
        return quota.Type switch
        {
            ResourceType.Storage => Owned<VolumeDesired>(state, _volume, tenant)
                .Where(volume => volume.State != VolumeState.Deleted && Is(quota.StoragePool, volume.StoragePool))
                .Sum(volume => volume.Size),
            ResourceType.Ips => Owned<InstanceDesired>(state, _instance, tenant).Sum(instance => Addresses(state, instance, quota.Network)),
            ResourceType.Switches => Owned<SwitchDesired>(state, _switch, tenant).Count(),
            ResourceType.Instances => Owned<InstanceDesired>(state, _instance, tenant).Count(instance => !instance.Template),
            _ => Owned<InstanceDesired>(state, _instance, tenant)
                .Where(instance => instance.State != InstanceState.Stopped && Is(quota.CpuProfile, instance.CpuProfile))
                .Sum(instance => quota.Type switch
                {
                    ResourceType.Vcpu => instance.Vcpu,
                    ResourceType.Rcpu => instance.Rcpu,
                    _ => instance.Mem,
                }),
        };
    }

    private static IEnumerable<TDesired> Owned<TDesired>(StateSnapshot state, Entity entity, string tenant) =>
        state[entity].Where("tenant", tenant).Select(row => row.Desired).OfType<TDesired>();

    private static bool Is(Guid? wanted, Guid? value) => wanted is null || wanted == value;

    private Guid? OwnerOf(StateSnapshot state, object? desired) => desired switch
    {
        InstanceDesired instance => instance.Tenant,
        VolumeDesired volume => volume.Tenant,
        SwitchDesired own => own.Tenant,
        AddressDesired { Vnic: { } vnic } when state[_vnic].Find(vnic)?.Desired is VnicDesired holder =>
            (state[_instance].Find(holder.Instance)?.Desired as InstanceDesired)?.Tenant,
        _ => null,
    };

    private long Addresses(StateSnapshot state, InstanceDesired instance, Guid? network)
    {
        if (instance.Template)
            return 0;
        var count = 0L;
        foreach (var vnic in state[_vnic].Where("instance", instance.Uuid.ToString()))
        {
            foreach (var row in state[_address].Where("vnic", vnic.Key.Text))
            {
                if (row.Desired is AddressDesired address && Is(network, address.Network) && IsShared(state, address.Network))
                    count++;
            }
        }
        return count;
    }

    private bool IsShared(StateSnapshot state, Guid network) =>
        state[_network].Find(network)?.Desired is NetworkDesired { Switch: var own } && state[_switch].Find(own)?.Desired is SwitchDesired { Tenant: null };
}
