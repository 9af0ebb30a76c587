using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

/// <remarks>
/// A card in no group is filtered by none: a switch carries everything, as a real one does. In one or more, it is reached by
/// what a rule of one of them admits and by answers to what it sent, and by nothing else. What it sends is limited once one of
/// its groups has a rule for that.
/// </remarks>
public sealed record SecurityGroupDesired
{
    public required Guid Uuid { get; init; }

    [References("tenant")]
    [Immutable]
    public required Guid Tenant { get; init; }

    [Description("Unique within the tenant.")]
    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    [StringLength(1024)]
    public string? Description { get; init; }
}

public sealed class SecurityGroupDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("security_group", "Rules for what may reach the cards in it, and what they may reach.")
        .KeyedByNewUuid()
        .Stored<SecurityGroupDesired>()
        .Index("tenant")
        .SentToHost(new HostScope.ReferencedBy("vnic_security_group", "security_group"))
        .Mount("/tenant/security-group", Access.TenantUser)
        .Build();
}
