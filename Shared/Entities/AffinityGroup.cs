using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum AffinityGroupType
{
    /// <summary>Its instances are to be on one host.</summary>
    Affinity,

    /// <summary>Each of its instances is to be on a host of its own.</summary>
    AntiAffinity,
}

public sealed record AffinityGroupDesired
{
    public required Guid Uuid { get; init; }

    [References("tenant")]
    [Immutable]
    public required Guid Tenant { get; init; }

    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    public required AffinityGroupType Type { get; init; }

    [Description("Rather no place than one against it; otherwise it is a wish.")]
    public bool Hard { get; init; }
}

public sealed class AffinityGroupDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("affinity_group", "Instances that are to be together, or apart.")
        .KeyedByNewUuid()
        .Stored<AffinityGroupDesired>()
        .Index("tenant")
        .Mount("/tenant/affinity-group", Access.TenantUser)
        .Build();
}
