using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// Something in a pool that no row at all explains. It is never touched before an operator says so: a tombstone with its name
/// as the target removes it.
/// </summary>
public sealed record OrphanCurrent
{
    [Description("The uuid of the pool, a colon, and what it is called there.")]
    public required string Name { get; init; }

    [References("storage_pool")]
    public required Guid StoragePool { get; init; }

    [Description("A host that sees it.")]
    [References("host")]
    public required Guid Host { get; init; }

    public required OrphanType Type { get; init; }

    [Description("The uuid in its name: of the volume, the image or the snapshot that it was.")]
    public Guid? Target { get; init; }

    [Description("MiB.")]
    public long? Size { get; init; }
}

public sealed class OrphanDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("orphan", "Something in a pool that no row explains.")
        .KeyedBy("name")
        .Derived<OrphanCurrent>()
        .Index("host", "storage_pool")
        .Mount("/orphan", Access.Protected)
        .Mount("/storage-pool/orphan", Access.Protected)
        .Build();
}
