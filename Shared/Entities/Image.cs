using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum ImageType
{
    Disk,
    Cdrom,
}

public sealed record ImageDesired
{
    public required Guid Uuid { get; init; }

    [Description("Whose it is; absent for one that everybody may use.")]
    [References("tenant")]
    [Immutable]
    public Guid? Tenant { get; init; }

    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    [StringLength(4096)]
    public string? Description { get; init; }

    public ImageType Type { get; init; } = ImageType.Disk;

    [Description("Where its content comes from: http, https, or for images of no tenant a file on the hosts. Without user and password, since whoever sees the image reads this. Absent when a volume holds the content.")]
    [RegularExpression(@"^(https?://[^\s/@?#]+(/[^\s]*)?|file:///[^\s]+)$")]
    [StringLength(2048)]
    public string? SourceUri { get; init; }

    [Description("Of the content: sha256 or sha512, a colon, and the sum in lower-case hexadecimal.")]
    [RegularExpression("^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
    public string? Checksum { get; init; }
}

public enum ImageStatus
{
    /// <summary>Neither a source nor a volume has its content.</summary>
    Empty,

    /// <summary>It has a source, and nobody has needed it yet.</summary>
    Idle,
    Preparing,
    Ready,
    Broken,
}

/// <summary>What the hosts that keep copies say, or of one that a volume holds what that is, without naming them.</summary>
public sealed record ImageCurrent
{
    public required Guid Uuid { get; init; }

    public required ImageStatus Status { get; init; }

    [Description("raw or qcow2, as its content tells.")]
    public string? Format { get; init; }

    [Description("MiB that a disk made from it has at least.")]
    public long? Size { get; init; }

    [Description("How much of it is fetched, in percent.")]
    public int? Progress { get; init; }

    [Description("Bytes that are fetched.")]
    public long? Bytes { get; init; }

    [Description("Bytes a second.")]
    public long? Rate { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class ImageDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("image", "What disks and CD-ROMs of instances are made from.")
        .KeyedByNewUuid()
        .Stored<ImageDesired>()
        .Derived<ImageCurrent>()
        .Index("tenant")
        .SentToHost(
            new HostScope.ReferencedBy("vdisk", "image"),
            new HostScope.ReferencedBy("volume", "base_image"),
            new HostScope.ReferencedBy("image_copy", "image"))
        .Mount("/image", Access.Shared, whereNull: "tenant")
        .Mount("/tenant/image", Access.TenantUser)
        .Build();
}
