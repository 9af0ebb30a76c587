using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

/// <summary>What keeps the volumes of a pool; its config has the members in brackets, those with a question mark if need be.</summary>
public enum StoragePoolType
{
    /// <summary>Files in a directory of the host [path].</summary>
    Dir,

    /// <summary>Logical volumes of a volume group that one host has [name].</summary>
    Logical,

    /// <summary>Files on an exported file system [host, path, format?, options?].</summary>
    Netfs,

    /// <summary>Logical units of an iSCSI target [portal, target, initiator?].</summary>
    Iscsi,

    /// <summary>Images of a Ceph pool [monitors, pool, user?].</summary>
    Rbd,

    /// <summary>Files on a Gluster volume [host, volume, path?].</summary>
    Gluster,

    /// <summary>Extents that the platform cuts from disks which several hosts reach [name].</summary>
    SharedLvm,
}

public sealed record StoragePoolDesired
{
    public required Guid Uuid { get; init; }

    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    [Immutable]
    public required StoragePoolType Type { get; init; }

    [Description("How a host reaches it, by type: dir has path; logical name; netfs host, path, format and options; iscsi portal, target and initiator; rbd monitors, pool and user; gluster host, volume and path; shared-lvm name. All are texts but monitors, a list of texts. Nothing secret.")]
    public required JsonText Config { get; init; }

    [Description("What proves to the storage who asks, by type: iscsi has user and password; rbd key. Is written, goes to the hosts that use the pool, and is never read back.")]
    [Secret(SentToHosts = true)]
    public JsonText? Secret { get; init; }

    [Description("Several hosts reach the same volumes.")]
    public bool Shareable { get; init; }

    [Description("MiB that volumes may take in all; absent for as much as there is.")]
    [Range(1, 1_073_741_824)]
    public long? Size { get; init; }
}

public sealed record StoragePoolCurrent
{
    public required Guid Uuid { get; init; }

    [Description("ready: a host that is present has it. preparing: one is at it. broken: none has it.")]
    public required StorageStatus Status { get; init; }

    [Description("MiB in all, on all hosts that have it.")]
    public long? Total { get; init; }

    [Description("MiB that are free.")]
    public long? Available { get; init; }

    [Description("MiB that its volumes may take.")]
    public required long Ordered { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class StoragePoolDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("storage_pool", "Where volumes are kept.")
        .KeyedByNewUuid()
        .Stored<StoragePoolDesired>()
        .Derived<StoragePoolCurrent>()
        .SentToHost(
            new HostScope.ReferencedBy("volume", "storage_pool"),
            new HostScope.ReferencedBy("host_storage_pool", "storage_pool"),
            new HostScope.ReferencedBy("image_copy", "storage_pool"),
            new HostScope.ReferencedBy("tombstone", "storage_pool"))
        .Mount("/storage-pool", Access.Protected)
        // Tenants choose one by its name. Where it is, and how full, is not theirs to know.
        .Mount("/pool", Access.Shared, hidden: ["config", "status", "total", "available", "ordered", "why"])
        .Build();
}
