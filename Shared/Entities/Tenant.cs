using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public sealed record TenantDesired
{
    public required Guid Uuid { get; init; }

    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    [Description("An operator let the tenant in; the instances of a tenant that is not approved are not placed.")]
    [OperatorOnly]
    public bool Approved { get; init; }
}

public sealed class TenantDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("tenant", "Whoever owns instances: a team, a customer, a project.")
        .KeyedByNewUuid()
        .Stored<TenantDesired>()
        .Mount("/tenant", Access.TenantUser)
        .Build();
}
