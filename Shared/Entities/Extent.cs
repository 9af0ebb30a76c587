using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public sealed record ExtentDesired
{
    public required Guid Uuid { get; init; }

    [References("storage_pool")]
    public required Guid StoragePool { get; init; }

    [Description("A disk of that pool.")]
    [References("disk")]
    public required string Disk { get; init; }

    [Description("The MiB of the disk that it is, as [first,behind the last).")]
    public required LongRange Range { get; init; }

    [Description("The volume that has it; absent while it is free.")]
    [References("volume")]
    public Guid? Volume { get; init; }

    [Description("What it was a part of and is still to be wiped; then the extent goes.")]
    [References("tombstone")]
    public Guid? Tombstone { get; init; }

    [Description("Its place among the extents of the volume.")]
    [Range(0, 65_535)]
    public int Order { get; init; }
}

public sealed class ExtentDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("extent", "A part of a disk that a volume is made of.")
        .KeyedByNewUuid()
        .Stored<ExtentDesired>()
        .Index("storage_pool", "disk", "volume", "tombstone")
        .SentToHost(new HostScope.RefersTo("volume"), new HostScope.RefersTo("tombstone"))
        .Mount("/storage-pool/extent", Access.Protected)
        .Mount("/disk/extent", Access.Protected)
        .Build();
}
