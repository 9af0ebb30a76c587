using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

/// <summary>What is limited by a <c>quota</c> and measured by <c>metering</c>.</summary>
public enum ResourceType
{
    /// <summary>MiB of volumes that are to be there.</summary>
    Storage,

    /// <summary>Virtual processors of instances that are to run or to be paused.</summary>
    Vcpu,

    /// <summary>Reserved threads of the same instances.</summary>
    Rcpu,

    /// <summary>MiB of memory of the same instances.</summary>
    Mem,

    /// <summary>Instances, whatever their state; templates do not count.</summary>
    Instances,

    /// <summary>Addresses in networks that are shared by all tenants.</summary>
    Ips,

    /// <summary>The tenant's own switches.</summary>
    Switches,
}

public sealed record QuotaDesired
{
    public required Guid Uuid { get; init; }

    [References("tenant")]
    [Immutable]
    public required Guid Tenant { get; init; }

    [Description("What is limited.")]
    [Immutable]
    public required ResourceType Type { get; init; }

    [Description("The most that orders may add up to: MiB for storage and mem, else a number. Lowered below what is used it takes nothing away, but nothing is added.")]
    [Range(0, 9_007_199_254_740_991)]
    public required long Limit { get; init; }

    [Description("Only storage in this pool, which the tenant may use by having this quota.")]
    [References("storage_pool")]
    [Immutable]
    public Guid? StoragePool { get; init; }

    [Description("Only vcpu, rcpu or mem of instances with this CPU profile.")]
    [References("cpu_profile")]
    [Immutable]
    public Guid? CpuProfile { get; init; }

    [Description("Only ips of this network.")]
    [References("network")]
    [Immutable]
    public Guid? Network { get; init; }
}

public sealed record QuotaCurrent
{
    public required Guid Uuid { get; init; }

    [Description("What the tenant's orders add up to, in the unit of the limit.")]
    public required long Used { get; init; }
}

public sealed class QuotaDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("quota", "The most that a tenant may order of something. What no quota names is not limited, but for storage pools: they need one.")
        .KeyedByNewUuid()
        .Stored<QuotaDesired>()
        .Derived<QuotaCurrent>()
        .Index("tenant", "storage_pool", "cpu_profile", "network")
        .Mount("/tenant/quota", Access.TenantReadOnly)
        .Build();
}
