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

    [Description("What the guest receives at most, Mbit/s; absent for no limit.")]
    [Range(1, 1_000_000)]
    public int? BandwidthInMbit { get; init; }

    [Description("What the guest sends at most, Mbit/s; absent for no limit.")]
    [Range(1, 1_000_000)]
    public int? BandwidthOutMbit { get; init; }
}

public sealed class VnicDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("vnic", "A network card of an instance.")
        .KeyedByNewUuid()
        .Stored<VnicDesired>()
        .Index("instance", "switch")
        .SentToHost(new HostScope.RefersTo("instance"))
        .Mount("/instance/vnic", Access.Shared)
        .Mount("/switch/vnic", Access.Protected)
        .Mount("/tenant/instance/vnic", Access.TenantUser)
        .Mount("/tenant/switch/vnic", Access.TenantUser)
        .Build();
}
