using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// The order to move an instance to another host. It stands until it is carried out, and the platform deletes it then; who deletes it
/// before withdraws it.
/// </summary>
public sealed record MigrationDesired
{
    [References("instance")]
    public required Guid Instance { get; init; }

    [Description("Where it is to go.")]
    [References("host")]
    public required Guid DestinationHost { get; init; }
}

public enum MigrationStatus
{
    /// <summary>It cannot begin yet; <c>why</c> says what it waits for.</summary>
    Waiting,

    /// <summary>The destination makes ready what the instance needs there.</summary>
    Preparing,

    /// <summary>
    /// Its memory, and its disks where hosts share none, are being copied while it goes on running; of an instance that is off, its disks.
    /// </summary>
    Copying,

    /// <summary>It has left, and is about to go on at the destination.</summary>
    Arriving,

    /// <summary>It failed, the instance is where it was, and it is tried again after a while.</summary>
    Broken,
}

public sealed record MigrationCurrent
{
    [References("instance")]
    public required Guid Instance { get; init; }

    public required MigrationStatus Status { get; init; }

    [Description("How much of what is copied is copied, in percent.")]
    public int? Progress { get; init; }

    [Description("Bytes of that which are copied.")]
    public long? Bytes { get; init; }

    [Description("Bytes a second.")]
    public long? Rate { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class MigrationDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("migration", "The order to move an instance to another host.")
        .KeyedBy("instance")
        .Stored<MigrationDesired>()
        .Derived<MigrationCurrent>()
        .Index("instance", "destination_host")
        .Mount("/migration", Access.Protected)
        .Build();
}
