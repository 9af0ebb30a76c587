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

public enum VolumeContent
{
    /// <summary>It is to be made: as a copy of its base_volume, from its base_image, or empty.</summary>
    Pending,

    /// <summary>It is being sent by somebody.</summary>
    Upload,

    /// <summary>It is there. What is missing now was lost, and is never made anew by itself.</summary>
    Made,
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

    [Description("The volume that it is to be a copy of; absent once it is.")]
    [References("volume")]
    public Guid? BaseVolume { get; init; }

    [Description("Whether its content is there. The platform says so; nobody gets the volume before.")]
    [OperatorOnly]
    public VolumeContent Content { get; init; }

    [Description("Counts its contents: each order to fill it anew is one more.")]
    [OperatorOnly]
    [Range(1, int.MaxValue)]
    public int Generation { get; init; } = 1;

    [Description("The highest generation that was given to a content of it, or to a copy of that on another host. None is given twice.")]
    [OperatorOnly]
    public int Generations { get; init; } = 1;

    [Description("The snapshot that it is to be again; absent once it is.")]
    public Guid? Revert { get; init; }

    [Description("Counts the orders to revert it.")]
    [OperatorOnly]
    [Range(0, int.MaxValue)]
    public int Reverts { get; init; }

    [Description("The logical unit that it is, in a pool of such; the platform picks a free one.")]
    [OperatorOnly]
    [Range(0, 65_535)]
    public int? Unit { get; init; }

    [Description("MiB from its beginning that were wiped for it and may be offered, in a pool of units or extents; the platform says so.")]
    [OperatorOnly]
    [Range(1, 1_073_741_824)]
    public long? Cleared { get; init; }

    [Description("The image whose content it holds.")]
    [References("image")]
    public Guid? Image { get; init; }

    [Description("Several instances may have it at once; their guests must agree on how to write to it.")]
    public bool Shareable { get; init; }
}

public enum VolumeStatus
{
    /// <summary>It is to be made, and no host does that yet.</summary>
    Waiting,
    Preparing,
    Ready,
    Broken,

    /// <summary>It was made, and the host that had it for itself is gone.</summary>
    Lost,

    /// <summary>It is nowhere, and is not to be.</summary>
    Absent,
}

/// <summary>What the host that keeps it says, without naming the host.</summary>
public sealed record VolumeCurrent
{
    public required Guid Uuid { get; init; }

    public required VolumeStatus Status { get; init; }

    [Description("MiB that it has now.")]
    public long? Size { get; init; }

    [Description("MiB that it takes.")]
    public long? Allocated { get; init; }

    [Description("How much of what is done to it is done, in percent.")]
    public int? Progress { get; init; }

    [Description("Bytes of that which are done.")]
    public long? Bytes { get; init; }

    [Description("Bytes a second.")]
    public long? Rate { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }

    [Description("Its host has not been heard of since then; absent while it is.")]
    public DateTimeOffset? StaleSince { get; init; }
}

public sealed class VolumeDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("volume", "A virtual disk's content.")
        .KeyedByNewUuid()
        .Stored<VolumeDesired>()
        .Derived<VolumeCurrent>()
        .WrittenAfter("quota")
        .Index("tenant", "storage_pool", "base_image", "base_volume", "image")
        .SentToHost(
            new HostScope.ReferencedBy("vdisk", "volume"),
            new HostScope.ReferencedBy("host_volume", "volume"),
            new HostScope.ReferencedBy("host_volume", "source_volume"),
            new HostScope.ReferencedBy("host_volume_copy", "volume"))
        .Mount("/tenant/volume", Access.TenantUser)
        .Mount("/tenant/image/volume", Access.TenantUser)
        .Mount("/image/volume", Access.Protected)
        .Mount("/storage-pool/volume", Access.Protected)
        .Build();
}
