using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public enum OrphanType
{
    Volume,

    /// <summary>What was begun and not finished, by a host or an agent that is no more.</summary>
    Partial,
    Image,
    Snapshot,

    /// <summary>A device that is mapped although no row says so.</summary>
    Mapping,
}

/// <summary>
/// Something that the platform once made in a pool and that no row sent to the host explains. In a pool that several hosts
/// share the row may be with another host: <c>orphan</c> has those that no row at all explains.
/// </summary>
public sealed record HostOrphanCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [Description("The uuid of the pool, a colon, and what it is called there.")]
    public required string Name { get; init; }

    [References("storage_pool")]
    public required Guid StoragePool { get; init; }

    public required OrphanType Type { get; init; }

    [Description("The uuid in its name: of the volume, the image or the snapshot that it was.")]
    public Guid? Target { get; init; }

    [Description("MiB.")]
    public long? Size { get; init; }
}

public sealed class HostOrphanDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_orphan", "Something in a pool that no row sent to the host explains.")
        .KeyedBy("host", "name")
        .Reported<HostOrphanCurrent>(by: "host")
        .Index("host", "storage_pool")
        .Mount("/host/orphan", Access.Protected)
        .Build();
}
