using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public sealed record AddressDesired
{
    public required Guid Uuid { get; init; }

    [References("network")]
    [Immutable]
    public required Guid Network { get; init; }

    [Description("The card that has it, on the network's switch unless the network is floating; absent for an address that is only kept.")]
    [References("vnic")]
    public Guid? Vnic { get; init; }

    [Description("In the range of the network; the lowest free one when it is absent.")]
    [Address]
    public string? Ip { get; init; }

    [Description("The name that a reverse lookup answers.")]
    [RegularExpression(@"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$")]
    [StringLength(253)]
    public string? Ptr { get; init; }
}

public sealed class AddressDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("address", "An address of a network that a card has, or that is kept.")
        .KeyedByNewUuid()
        .Stored<AddressDesired>()
        .Index("network", "vnic")
        .SentToHost(new HostScope.RefersTo("vnic"))
        .Mount("/switch/network/address", Access.Protected)
        .Mount("/tenant/instance/vnic/address", Access.TenantUser)
        .Mount("/tenant/switch/network/address", Access.TenantUser)
        .Build();
}
