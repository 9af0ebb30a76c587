using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>The host keeps a copy of the image in the pool, to make volumes from it.</summary>
public sealed record ImageCopyDesired
{
    public required Guid Uuid { get; init; }

    [References("image")]
    [Immutable]
    public required Guid Image { get; init; }

    [References("storage_pool")]
    [Immutable]
    public required Guid StoragePool { get; init; }

    [Description("The host that fetches and keeps it.")]
    [References("host")]
    public required Guid Host { get; init; }
}

public sealed class ImageCopyDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("image_copy", "A copy of an image in a pool, to make volumes from.")
        .KeyedByNewUuid()
        .Stored<ImageCopyDesired>()
        .WrittenByPlatform()
        .Index("image", "storage_pool", "host")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/storage-pool/image-copy", Access.Protected)
        .Mount("/image/copy", Access.Protected)
        .Build();
}
