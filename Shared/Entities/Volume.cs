using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum VolumeState
{
    Present,

    /// <summary>It is kept where it is and not made where it is not, such as a copy that can be had again.</summary>
    Optional,

    /// <summary>Its content is to go. The row stays until somebody deletes it.</summary>
    Deleted,
}

public sealed record VolumeDesired
{
    public required Guid Uuid { get; init; }

    [Description("Whose it is; absent for the platform's own, such as a copy of an image of no tenant.")]
    [References("tenant")]
    [Immutable]
    public Guid? Tenant { get; init; }

    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    public VolumeState State { get; init; } = VolumeState.Present;

    [Description("MiB. Grows only: what a smaller one would cut off may be in use.")]
    [Range(1, 1_073_741_824)]
    public required long Size { get; init; }

    [Description("Where it is kept.")]
    [References("storage_pool")]
    public required Guid StoragePool { get; init; }

    [Description("The image that it is to be filled from; absent once it is, and for an empty one.")]
    [References("image")]
    public Guid? BaseImage { get; init; }

    [Description("The image whose content it holds.")]
    [References("image")]
    public Guid? Image { get; init; }

    [Description("Several instances may have it at once; their guests must agree on how to write to it.")]
    public bool Shareable { get; init; }
}

public sealed class VolumeDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("volume", "A virtual disk's content.")
        .KeyedByNewUuid()
        .Stored<VolumeDesired>()
        .WrittenAfter("quota")
        .Index("tenant", "storage_pool", "base_image", "image")
        .SentToHost(new HostScope.ReferencedBy("vdisk", "volume"))
        .Mount("/tenant/volume", Access.TenantUser)
        .Mount("/tenant/image/volume", Access.TenantUser)
        .Mount("/image/volume", Access.Protected)
        .Mount("/storage-pool/volume", Access.Protected)
        .Build();
}
