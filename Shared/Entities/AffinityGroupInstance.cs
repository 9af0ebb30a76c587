namespace PonyCloud.Shared.Entities;

public sealed record AffinityGroupInstanceDesired
{
    public required Guid Uuid { get; init; }

    [References("affinity_group")]
    [Immutable]
    public required Guid AffinityGroup { get; init; }

    [References("instance")]
    [Immutable]
    public required Guid Instance { get; init; }
}

public sealed class AffinityGroupInstanceDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("affinity_group_instance", "An instance in an affinity group.")
        .KeyedByNewUuid()
        .Stored<AffinityGroupInstanceDesired>()
        .Index("affinity_group", "instance")
        .Mount("/tenant/affinity-group/instance", Access.TenantUser)
        .Mount("/tenant/instance/affinity-group", Access.TenantUser)
        .Build();
}
