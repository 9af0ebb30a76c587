using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostVnicCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("vnic")]
    public required Guid Vnic { get; init; }

    public required LinkStatus Status { get; init; }

    [Description("The tap device; absent while it is missing.")]
    public string? Link { get; init; }

    [Description("The largest packet that the switch carries, in bytes.")]
    public int? Mtu { get; init; }

    [Description("Bytes that the guest received.")]
    public long? RxBytes { get; init; }

    [Description("Packets that it received.")]
    public long? RxPackets { get; init; }

    [Description("Bytes that it sent.")]
    public long? TxBytes { get; init; }

    [Description("Packets that it sent.")]
    public long? TxPackets { get; init; }

    [Description("Packets from the guest that were dropped since they claimed another origin, or answered in the platform's place.")]
    public long? Spoofed { get; init; }

    [Description("Packets to and from the guest that its security groups did not admit.")]
    public long? Refused { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostVnicDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_vnic", "A card of an instance as its host has it.")
        .KeyedBy("host", "vnic")
        .Reported<HostVnicCurrent>(by: "host")
        .Index("host", "vnic")
        .Mount("/host/vnic", Access.Protected)
        .Build();
}
