using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum DiskType
{
    /// <summary>In the machine.</summary>
    Local,

    /// <summary>Behind Fibre Channel.</summary>
    Fc,
    Iscsi,
}

public sealed record DiskDesired
{
    [Description("What the disk itself says it is: WWN, serial number or iSCSI name.")]
    [RegularExpression("^[A-Za-z0-9][A-Za-z0-9_.:-]{0,222}$")]
    public required string Id { get; init; }

    public required DiskType Type { get; init; }

    [Description("The ways to it. local has none; fc has port/unit, such as 50:06:01:60:3b:a0:11:22/0; iscsi has portal/target/unit, such as 192.0.2.1:3260/iqn.2001-04.com.example:disk/0.")]
    [RegularExpression(@"^[^\s,]{1,255}$")]
    [MaxLength(64)]
    public TextList Targets { get; init; } = TextList.Empty;

    [Description("The pool that has the disk, if any.")]
    [References("storage_pool")]
    public Guid? StoragePool { get; init; }

    [Description("MiB. Without it nothing can be cut from the disk.")]
    [Range(1, 1_073_741_824)]
    public long? Size { get; init; }
}

public sealed class DiskDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("disk", "A disk that a storage pool is made of, or could be.")
        .KeyedBy("id")
        .Stored<DiskDesired>()
        .Index("storage_pool")
        .SentToHost(new HostScope.RefersTo("storage_pool"))
        .Mount("/disk", Access.Protected)
        .Mount("/storage-pool/disk", Access.Protected)
        .Build();
}
