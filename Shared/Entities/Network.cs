using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public sealed record NetworkDesired
{
    public required Guid Uuid { get; init; }

    [References("switch")]
    [Immutable]
    public required Guid Switch { get; init; }

    [Description("The VLAN on the switch, as guests tag it; absent for what is untagged.")]
    [Range(1, 4094)]
    public int? VlanTag { get; init; }

    [Description("Networks of one VLAN of a switch do not overlap.")]
    [Network]
    public required string Range { get; init; }

    [Description("Where guests send what is for other networks. It is given to no card unasked.")]
    [Address]
    public string? Gateway { get; init; }

    [Description("The platform answers DHCP on it.")]
    public bool Dhcp { get; init; }

    [Description("Name servers that guests are told of.")]
    [Address]
    [MaxLength(16)]
    public TextList Ns { get; init; } = TextList.Empty;
}

public sealed class NetworkDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("network", "A range of addresses on a switch.")
        .KeyedByNewUuid()
        .Stored<NetworkDesired>()
        .Index("switch")
        .SentToHost(new HostScope.RefersTo("switch"))
        .Mount("/switch/network", Access.Shared)
        .Mount("/tenant/switch/network", Access.TenantUser)
        .Build();
}
