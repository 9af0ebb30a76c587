using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public enum MemberRole
{
    /// <summary>Everything, memberships included.</summary>
    Owner,

    /// <summary>Everything but memberships.</summary>
    Admin,

    /// <summary>Reads only.</summary>
    Operator,
}

public sealed record MemberDesired
{
    public required Guid Uuid { get; init; }

    [References("user")]
    [Immutable]
    public required string User { get; init; }

    [References("tenant")]
    [Immutable]
    public required Guid Tenant { get; init; }

    [Description("What the user may do for the tenant; an operator of a tenant only reads.")]
    public required MemberRole Role { get; init; }
}

public sealed class MemberDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("member", "A user's membership of a tenant.")
        .KeyedByNewUuid()
        .Stored<MemberDesired>()
        .Index("user", "tenant")
        .Mount("/tenant/member", Access.TenantOwner)
        .Mount("/user/member", Access.UserReadOnly)
        .Build();
}
