using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record NicDesired
{
    [Description("The address that the card was made with.")]
    [HardwareAddress]
    public required string Hwaddr { get; init; }

    [References("host")]
    public required Guid Host { get; init; }

    [Description("The bond that the card is part of, on the same host; absent while it is not used.")]
    [References("bond")]
    public Guid? Bond { get; init; }
}

public sealed class NicDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("nic", "A network card of a host.")
        .KeyedBy("hwaddr")
        .Stored<NicDesired>()
        .Index("host", "bond")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/host/nic", Access.Protected)
        .Mount("/host/bond/nic", Access.Protected)
        .Build();
}
