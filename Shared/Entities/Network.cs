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

    [Description("The platform itself is the gateway, on every host of the switch, which is of type vxlan. It translates to public addresses on hosts with role public.")]
    public bool Routed { get; init; }

    [Description("Its addresses are floating ones: a card on another switch that has one is reached by it from outside, where its host has role public.")]
    [OperatorOnly]
    public bool Floating { get; init; }

    [Description("The platform answers DHCP, DNS and router solicitations on it.")]
    public bool Dhcp { get; init; }

    [Description("Where it answers them, the same on every host, if not at the gateway; with dhcp the highest free address when it is absent.")]
    [Address]
    public string? ServiceAddress { get; init; }

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
        .SentToHost(new HostScope.RefersTo("switch"), new HostScope.ReferencedBy("address", "network"))
        .Mount("/switch/network", Access.Shared)
        .Mount("/tenant/switch/network", Access.TenantUser)
        .Build();
}
