using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum TombstoneType
{
    Volume,
    Snapshot,
    Image,

    /// <summary>Something that no row explained, which an operator wants gone.</summary>
    Orphan,
}

/// <summary>
/// Something whose row is gone and whose content is not yet. Made by the database in the transaction that deletes the row,
/// or by an operator for an orphan; it goes when a host has reported that nothing is left.
/// </summary>
public sealed record TombstoneDesired
{
    public required Guid Uuid { get; init; }

    [Immutable]
    public TombstoneType Type { get; init; } = TombstoneType.Orphan;

    [Description("The uuid of what is to go; of an orphan its name in the pool.")]
    [StringLength(255, MinimumLength = 1)]
    [Immutable]
    public required string Target { get; init; }

    [Description("The volume that a snapshot is in.")]
    [References("volume")]
    [Immutable]
    public Guid? Volume { get; init; }

    [References("storage_pool")]
    [Immutable]
    public required Guid StoragePool { get; init; }

    [Description("The host that removes it; absent until the platform has picked one of those that share the pool.")]
    [References("host")]
    public Guid? Host { get; init; }

    [Description("The logical unit that it is.")]
    [Range(0, 65_535)]
    [Immutable]
    public int? Unit { get; init; }

    [Description("MiB that it had.")]
    [Range(0, 1_073_741_824)]
    public long? Size { get; init; }

    [Description("Nothing is left of it. Said by the platform when the host says so; by an operator for what nobody can reach any more.")]
    public bool Done { get; init; }
}

public sealed class TombstoneDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("tombstone", "Something whose row is gone and whose content is still to be removed.")
        .KeyedByNewUuid()
        .Stored<TombstoneDesired>()
        .Index("host", "storage_pool", "volume", "target")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/tombstone", Access.Protected)
        .Mount("/storage-pool/tombstone", Access.Protected)
        .Build();
}
