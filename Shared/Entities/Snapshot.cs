using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum SnapshotState
{
    Present,
    Deleted,
}

public sealed record SnapshotDesired
{
    public required Guid Uuid { get; init; }

    [Description("What it is of: either a volume ...")]
    [References("volume")]
    [Immutable]
    public Guid? Volume { get; init; }

    [Description("... or an instance with all that it has.")]
    [References("instance")]
    [Immutable]
    public Guid? Instance { get; init; }

    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    public SnapshotState State { get; init; } = SnapshotState.Present;
}

public enum SnapshotStatus
{
    /// <summary>It is to be taken, and the host that keeps the volume has not begun.</summary>
    Waiting,
    Preparing,
    Ready,
    Broken,
}

public sealed record SnapshotCurrent
{
    public required Guid Uuid { get; init; }

    public required SnapshotStatus Status { get; init; }

    [Description("When it was taken, as the host's clock said.")]
    public DateTimeOffset? Taken { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class SnapshotDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("snapshot", "What a volume or an instance was at a moment.")
        .KeyedByNewUuid()
        .Stored<SnapshotDesired>()
        .Derived<SnapshotCurrent>()
        .Index("volume", "instance")
        .SentToHost(new HostScope.RefersTo("volume"), new HostScope.RefersTo("instance"))
        .Mount("/tenant/volume/snapshot", Access.TenantUser)
        .Mount("/tenant/instance/snapshot", Access.TenantUser)
        .Build();
}
