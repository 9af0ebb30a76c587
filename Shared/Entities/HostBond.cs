using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostBondCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("bond")]
    public required Guid Bond { get; init; }

    public required LinkStatus Status { get; init; }

    [Description("What the host calls it; absent while it is missing.")]
    public string? Link { get; init; }

    [Description("Addresses of the cards that carry traffic now.")]
    public TextList ActiveSlaves { get; init; } = TextList.Empty;

    [Description("The system on the other end of an LACP bond; absent while none answers.")]
    [HardwareAddress]
    public string? LacpPartner { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostBondDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_bond", "A bond as a host has it.")
        .KeyedBy("host", "bond")
        .Reported<HostBondCurrent>(by: "host")
        .Index("host", "bond")
        .Mount("/host/bond-status", Access.Protected)
        .Build();
}
