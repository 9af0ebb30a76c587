using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum VdiskBus
{
    Virtio,
    Scsi,
    Sata,
}

/// <summary>What the host keeps in its memory, in QEMU's words.</summary>
public enum VdiskCache
{
    None,
    Writeback,
    Writethrough,
    Directsync,

    /// <summary>Even what the guest wants on disk stays in memory: for what may be lost.</summary>
    Unsafe,
}

public sealed record VdiskDesired
{
    public required Guid Uuid { get; init; }

    [References("instance")]
    public required Guid Instance { get; init; }

    [Description("What the disk is: either this volume ...")]
    [References("volume")]
    public Guid? Volume { get; init; }

    [Description("... or this image, which the guest reads only.")]
    [References("image")]
    public Guid? Image { get; init; }

    [Description("In a template, instead of a volume: where the volume of an instance made from it is to be.")]
    [References("storage_pool")]
    public Guid? StoragePool { get; init; }

    [Description("In a template, how large that volume is to be, MiB.")]
    [Range(1, 1_073_741_824)]
    public long? Size { get; init; }

    [Description("In a template, the image that that volume is to be filled from; absent for an empty one.")]
    [References("image")]
    public Guid? BaseImage { get; init; }

    [Description("Its place in the instance, from which follows its name there; the next free one unless given.")]
    [Range(0, 255)]
    public int? Index { get; init; }

    [Description("How the guest reaches it. virtio takes indexes up to 31, sata too and without plugging in while the guest runs; an image on virtio is a CD-ROM on sata, since there is no other.")]
    public VdiskBus Bus { get; init; } = VdiskBus.Virtio;

    public VdiskCache Cache { get; init; } = VdiskCache.None;

    [Description("The most reads and writes in a second; absent for no limit.")]
    [Range(1, 100_000_000)]
    public int? IopsMax { get; init; }

    [Description("The most KiB read and written in a second; absent for no limit.")]
    [Range(1, 1_000_000_000)]
    public int? BandwidthMax { get; init; }
}

public sealed class VdiskDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("vdisk", "A disk or a CD-ROM in an instance.")
        .KeyedByNewUuid()
        .Stored<VdiskDesired>()
        .Index("instance", "volume", "image", "storage_pool", "base_image")
        .SentToHost(new HostScope.RefersTo("instance"))
        .Mount("/tenant/instance/vdisk", Access.TenantUser)
        .Mount("/instance/vdisk", Access.Shared)
        .Mount("/tenant/volume/vdisk", Access.TenantUser)
        .Build();
}
