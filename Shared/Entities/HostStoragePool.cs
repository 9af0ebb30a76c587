using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>How far a host is with something of the storage that it needs.</summary>
public enum StorageStatus
{
    Preparing,
    Ready,
    Broken,
}

public sealed record HostStoragePoolDesired
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("storage_pool")]
    public required Guid StoragePool { get; init; }

    [Description("The host looks through the whole of a pool that several hosts share, for what nobody knows. One host of a pool does; the platform picks it.")]
    public bool Steward { get; init; }
}

public sealed record HostStoragePoolCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("storage_pool")]
    public required Guid StoragePool { get; init; }

    public required StorageStatus Status { get; init; }

    [Description("Where the host has it.")]
    public string? Path { get; init; }

    [Description("MiB.")]
    public long? Capacity { get; init; }

    [Description("MiB that are free.")]
    public long? Available { get; init; }

    [Description("The logical units that the pool has, by number, with their sizes in MiB; absent where it has none.")]
    public JsonText? Units { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostStoragePoolDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_storage_pool", "A storage pool on a host: that it is to have it, and how it has it.")
        .KeyedBy("host", "storage_pool")
        .Stored<HostStoragePoolDesired>()
        .Reported<HostStoragePoolCurrent>(by: "host")
        .Index("host", "storage_pool")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/host/storage-pool", Access.Protected)
        .Mount("/storage-pool/host", Access.Protected)
        .Build();
}
