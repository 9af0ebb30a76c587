using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostSnapshotCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("snapshot")]
    public required Guid Snapshot { get; init; }

    public required StorageStatus Status { get; init; }

    [Description("When it was taken, as the host's clock said.")]
    public DateTimeOffset? Taken { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostSnapshotDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_snapshot", "A snapshot as the host that keeps the volume has it.")
        .KeyedBy("host", "snapshot")
        .Reported<HostSnapshotCurrent>(by: "host")
        .Index("host", "snapshot")
        .Mount("/host/snapshot", Access.Protected)
        .Build();
}
