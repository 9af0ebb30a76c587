using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <remarks>Nobody orders it: a host makes the VLANs that its roles and the switches of its instances need.</remarks>
public sealed record HostVlanCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [Description("What the host calls it.")]
    public required string Link { get; init; }

    [Description("The bond that it is on.")]
    [References("bond")]
    public required Guid Bond { get; init; }

    [Description("The id of the VLAN, 1 to 4094.")]
    public required int Tag { get; init; }

    public required LinkStatus Status { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostVlanDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_vlan", "A VLAN that a host carries.")
        .KeyedBy("host", "link")
        .Reported<HostVlanCurrent>(by: "host")
        .Index("host", "bond")
        .Mount("/host/vlan", Access.Protected)
        .Build();
}
