using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>What a disk says of its own health.</summary>
public enum DiskHealth
{
    /// <summary>It was not asked yet, or cannot tell.</summary>
    Unknown,
    Passed,

    /// <summary>It expects to fail.</summary>
    Failing,
}

public sealed record HostDiskCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("disk")]
    public required string Disk { get; init; }

    public required StorageStatus Status { get; init; }

    [Description("The device on the host.")]
    public string? Path { get; init; }

    [Description("MiB.")]
    public long? Size { get; init; }

    public string? Model { get; init; }

    [Description("Whether it turns; absent while the kernel does not say.")]
    public bool? Rotational { get; init; }

    [Description("Ways to it that work; absent where there is only the one.")]
    public int? Paths { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }

    [Description("What the disk says of itself (SMART).")]
    public DiskHealth Health { get; init; }

    [Description("The reason for the health, in words.")]
    public string? HealthWhy { get; init; }
}

public sealed class HostDiskDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_disk", "A disk as a host sees it.")
        .KeyedBy("host", "disk")
        .Reported<HostDiskCurrent>(by: "host")
        .Index("host", "disk")
        .Mount("/host/disk", Access.Protected)
        .Build();
}
