using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum SecurityDirection
{
    /// <summary>To the guest.</summary>
    Ingress,

    /// <summary>From the guest.</summary>
    Egress,
}

public enum SecurityProtocol
{
    Tcp,
    Udp,
    Icmp,
    Icmpv6,
}

/// <summary>What is admitted; there are no rules that refuse.</summary>
public sealed record SecurityRuleDesired
{
    public required Guid Uuid { get; init; }

    [References("security_group")]
    [Immutable]
    public required Guid SecurityGroup { get; init; }

    [Description("ingress: to the cards of the group; egress: from them.")]
    public required SecurityDirection Direction { get; init; }

    [Description("Absent for every protocol.")]
    public SecurityProtocol? Protocol { get; init; }

    [Description("The first port, of tcp and udp; absent for every port.")]
    [Range(1, 65_535)]
    public int? PortFrom { get; init; }

    [Description("The last port.")]
    [Range(1, 65_535)]
    public int? PortTo { get; init; }

    [Description("The addresses at the other end; absent for all.")]
    [Network]
    public string? RemoteRange { get; init; }

    [Description("The group of the card at the other end, on the same switch; absent for every one.")]
    [References("security_group")]
    public Guid? RemoteSecurityGroup { get; init; }
}

public sealed class SecurityRuleDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("security_rule", "Packets that a security group admits.")
        .KeyedByNewUuid()
        .Stored<SecurityRuleDesired>()
        .Index("security_group", "remote_security_group")
        .SentToHost(new HostScope.RefersTo("security_group"))
        .Mount("/tenant/security-group/rule", Access.TenantUser, through: "security_group")
        .Build();
}
