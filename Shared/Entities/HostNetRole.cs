using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostNetRoleCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("net_role")]
    public required Guid NetRole { get; init; }

    public required LinkStatus Status { get; init; }

    [Description("The link that serves the role: the bond, a VLAN on it, or a bridge above; absent while it is missing.")]
    public string? Link { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostNetRoleDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_net_role", "A network role as a host serves it.")
        .KeyedBy("host", "net_role")
        .Reported<HostNetRoleCurrent>(by: "host")
        .Index("host", "net_role")
        .Mount("/host/role-status", Access.Protected)
        .Build();
}
