using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// A place: the instance is to be on the host. Stored, so that a controller that starts while the host is silent still
/// knows where the instance may be running, and never starts a second copy elsewhere.
/// </summary>
public sealed record HostInstanceDesired
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("instance")]
    public required Guid Instance { get; init; }
}

public sealed record HostInstanceCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("instance")]
    public required Guid Instance { get; init; }

    public required InstanceStatus Status { get; init; }

    [Description("Virtual processors of the domain as it is now.")]
    public int Vcpu { get; init; }

    [Description("Memory of the domain as it is now, MiB.")]
    public long Mem { get; init; }

    [Description("Columns that the domain does not show as they are ordered, and will from its next start on.")]
    public TextList Pending { get; init; } = TextList.Empty;

    [Description("The count of the last order to restart it through its guest that was carried out, or that a start made needless.")]
    public int? Reboots { get; init; }

    [Description("The count of the last order to reset it that was carried out, or that a start made needless.")]
    public int? Resets { get; init; }

    [Description("Addresses that the agent in the guest knows of; absent while there is none.")]
    public TextList? GuestAddresses { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }

    [Description("File on the host that takes what the guest writes to its serial console.")]
    public string? ConsoleLog { get; init; }
}

public sealed class HostInstanceDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_instance", "An instance on a host: where it is to be, and how it is there.")
        .KeyedBy("host", "instance")
        .Stored<HostInstanceDesired>()
        .Reported<HostInstanceCurrent>(by: "host")
        .WrittenByPlatform()
        .Index("host", "instance")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/host/instance", Access.Protected)
        .Build();
}
