using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

/// <summary>What a bond, or a VLAN on it, is for.</summary>
public enum NetRole
{
    /// <summary>The controller and the operators reach the host here.</summary>
    Management,

    /// <summary>Hosts reach each other here: migration, replication.</summary>
    Core,

    /// <summary>Carries switches: VLANs of bridges, and VXLAN between hosts.</summary>
    Virtual,
    Storage,

    /// <summary>Leads to the world outside.</summary>
    Public,
}

public sealed record NetRoleDesired
{
    public required Guid Uuid { get; init; }

    [References("bond")]
    [Immutable]
    public required Guid Bond { get; init; }

    [Description("The VLAN on the bond; absent for what is untagged.")]
    [Range(1, 4094)]
    public int? VlanId { get; init; }

    public required NetRole Role { get; init; }

    [Description("The host's address there; absent when it has none.")]
    [Address]
    public string? Address { get; init; }

    [Description("The prefix length of the address.")]
    [Range(0, 128)]
    public int? Prefix { get; init; }

    [Description("The router there, in the network of the address. The management role's is the host's default route, or else the public role's.")]
    [Address]
    public string? Gateway { get; init; }
}

public sealed class NetRoleDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("net_role", "What a bond of a host, or a VLAN on it, is for.")
        .KeyedByNewUuid()
        .Stored<NetRoleDesired>()
        .Index("bond")
        .SentToHost(new HostScope.RefersTo("bond"))
        .Mount("/host/bond/role", Access.Protected)
        .Build();
}
