using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostSwitchCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("switch")]
    public required Guid Switch { get; init; }

    public required LinkStatus Status { get; init; }

    [Description("The bridge; absent while it is missing.")]
    public string? Link { get; init; }

    [Description("The largest packet that it carries, in bytes.")]
    public int? Mtu { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostSwitchDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_switch", "A switch as a host carries it.")
        .KeyedBy("host", "switch")
        .Reported<HostSwitchCurrent>(by: "host")
        .Index("host", "switch")
        .Mount("/host/switch", Access.Protected)
        .Build();
}
