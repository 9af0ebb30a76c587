using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>How far a host is with something of the storage that it needs.</summary>
public enum StorageStatus
{
    Preparing,
    Ready,
    Broken,
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

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostStoragePoolDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_storage_pool", "A storage pool as a host has it.")
        .KeyedBy("host", "storage_pool")
        .Reported<HostStoragePoolCurrent>(by: "host")
        .Index("host", "storage_pool")
        .Mount("/host/storage-pool", Access.Protected)
        .Build();
}
