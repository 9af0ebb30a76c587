using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum SwitchType
{
    /// <summary>A VLAN of the physical network, or what is untagged there.</summary>
    Bridge,

    /// <summary>A network of its own between the hosts.</summary>
    Vxlan,
}

public sealed record SwitchDesired
{
    public required Guid Uuid { get; init; }

    [Description("Whose it is; absent for a switch that everybody may plug into.")]
    [References("tenant")]
    [Immutable]
    public Guid? Tenant { get; init; }

    [Description("Unique within the tenant.")]
    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    // A VLAN of the physical network can be one of the platform's own.
    [OperatorOnly]
    public SwitchType Type { get; init; } = SwitchType.Vxlan;

    [Description("The VLAN of a bridge (1 to 4094, absent for what is untagged), or the VXLAN network id, of which the platform takes a free one when it is absent.")]
    [Range(1, 16_777_215)]
    [OperatorOnly]
    public int? Tag { get; init; }
}

public sealed class SwitchDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("switch", "A virtual switch; every host with a card on it carries it.")
        .KeyedByNewUuid()
        .Stored<SwitchDesired>()
        .Index("tenant")
        .SentToHost(new HostScope.ReferencedBy("vnic", "switch"))
        .Mount("/switch", Access.Shared, whereNull: "tenant")
        .Mount("/tenant/switch", Access.TenantUser)
        .Build();
}
