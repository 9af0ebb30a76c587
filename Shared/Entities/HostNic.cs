using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <remarks>
/// A relation and no current part of the card: while a card moves, the old host and the new one both speak of it, and each
/// can only report rows of its own name.
/// </remarks>
public sealed record HostNicCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [Description("The address that the card was made with; also of a card that nobody declared.")]
    [References("nic")]
    [HardwareAddress]
    public required string Nic { get; init; }

    public required LinkStatus Status { get; init; }

    [Description("What the host calls it; absent while it is missing.")]
    public string? Link { get; init; }

    [Description("Mbit/s, as it is negotiated; absent while it is not.")]
    public int? Speed { get; init; }

    [Description("Whether the other end is there; absent while the card is off.")]
    public bool? Carrier { get; init; }

    public string? Driver { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostNicDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_nic", "A network card as a host sees it.")
        .KeyedBy("host", "nic")
        .Reported<HostNicCurrent>(by: "host")
        .Index("host", "nic")
        .Mount("/host/nic-status", Access.Protected)
        .Build();
}
