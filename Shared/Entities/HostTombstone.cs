using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public enum RemovalStatus
{
    /// <summary>It is being removed, or waits for that.</summary>
    Removing,

    /// <summary>Nothing is left.</summary>
    Removed,
    Broken,
}

public sealed record HostTombstoneCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("tombstone")]
    public required Guid Tombstone { get; init; }

    public required RemovalStatus Status { get; init; }

    [Description("How much of it is wiped, in percent.")]
    public int? Progress { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostTombstoneDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_tombstone", "How far a host is with the removal of something.")
        .KeyedBy("host", "tombstone")
        .Reported<HostTombstoneCurrent>(by: "host")
        .Index("host", "tombstone")
        .Mount("/host/tombstone", Access.Protected)
        .Build();
}
