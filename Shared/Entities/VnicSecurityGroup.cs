namespace PonyCloud.Shared.Entities;

public sealed record VnicSecurityGroupDesired
{
    public required Guid Uuid { get; init; }

    [References("vnic")]
    [Immutable]
    public required Guid Vnic { get; init; }

    [References("security_group")]
    [Immutable]
    public required Guid SecurityGroup { get; init; }
}

public sealed class VnicSecurityGroupDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("vnic_security_group", "A card in a security group.")
        .KeyedByNewUuid()
        .Stored<VnicSecurityGroupDesired>()
        .Index("vnic", "security_group")
        .SentToHost(new HostScope.RefersTo("vnic"))
        .Mount("/tenant/instance/vnic/security-group", Access.TenantUser, through: "vnic")
        .Mount("/tenant/security-group/vnic", Access.TenantUser, through: "security_group")
        .Build();
}
