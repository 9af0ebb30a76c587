using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

/// <summary>The network card that the guest sees.</summary>
public enum VnicModel
{
    Virtio,
    E1000e,
    Rtl8139,
}

public enum VnicLink
{
    Up,

    [LetsGo]
    Down,
}

public sealed record VnicDesired
{
    public required Guid Uuid { get; init; }

    [References("instance")]
    [Immutable]
    public required Guid Instance { get; init; }

    [References("switch")]
    public required Guid Switch { get; init; }

    [Description("Made by the platform when it is absent; absent in a template.")]
    [HardwareAddress]
    public string? Macaddr { get; init; }

    [Description("The place among the cards of the instance; the next free one when it is absent.")]
    [Range(0, 31)]
    public int? Index { get; init; }

    public VnicModel Model { get; init; } = VnicModel.Virtio;

    [Description("Whether the cable is plugged in.")]
    public VnicLink Link { get; init; } = VnicLink.Up;

    [Description("What the guest receives at most, Mbit/s; absent for no limit.")]
    [Range(1, 1_000_000)]
    public int? BandwidthInMbit { get; init; }

    [Description("What the guest sends at most, Mbit/s; absent for no limit.")]
    [Range(1, 1_000_000)]
    public int? BandwidthOutMbit { get; init; }
}

public sealed record VnicCurrent
{
    public required Guid Uuid { get; init; }

    public required LinkStatus Status { get; init; }

    [Description("The largest packet that the switch carries on the card's host, in bytes.")]
    public int? Mtu { get; init; }

    [Description("Bytes that the guest received since the card was plugged in on its host.")]
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

    [Description("When the host was last heard of; present while it is silent, and then all this is that old.")]
    public DateTimeOffset? StaleSince { get; init; }
}

public sealed class VnicDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("vnic", "A network card of an instance.")
        .KeyedByNewUuid()
        .Stored<VnicDesired>()
        .Derived<VnicCurrent>()
        .Index("instance", "switch")
        .SentToHost(new HostScope.RefersTo("instance"))
        .Mount("/instance/vnic", Access.Shared)
        .Mount("/switch/vnic", Access.Protected)
        .Mount("/tenant/instance/vnic", Access.TenantUser)
        .Mount("/tenant/switch/vnic", Access.TenantUser)
        .Build();
}
