using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// What the hosts of a switch are taught of each card on it, wherever that is: so they need not ask each other, nor send to
/// all what is for one.
/// </summary>
/// <remarks>Made by the controller of the card, its addresses, its groups and the place of its instance. No table has it.</remarks>
public sealed record SwitchPortDesired
{
    [References("vnic")]
    public required Guid Vnic { get; init; }

    [References("switch")]
    public required Guid Switch { get; init; }

    [Description("Where the card is. While its instance migrates, where it still runs.")]
    [References("host")]
    public required Guid Host { get; init; }

    [Description("Where other hosts send what is for the card: the address of its host's role virtual; absent while it has none.")]
    [Address]
    public string? Endpoint { get; init; }

    [HardwareAddress]
    public required string Macaddr { get; init; }

    [Description("In networks of the switch.")]
    [Address]
    public TextList Addresses { get; init; } = TextList.Empty;

    [Description("The name of its instance.")]
    public required string Name { get; init; }

    [Description("The security groups that the card is in.")]
    public TextList SecurityGroups { get; init; } = TextList.Empty;
}

public sealed class SwitchPortDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("switch_port", "A card on a switch, as its hosts are taught.")
        .KeyedBy("vnic")
        .DerivedOrder<SwitchPortDesired>()
        .Index("vnic", "switch", "host")
        .SentToHost(new HostScope.RefersTo("switch"))
        .Mount("/switch/port", Access.Protected)
        .Build();
}
