using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostVolumeCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("volume")]
    public required Guid Volume { get; init; }

    public required StorageStatus Status { get; init; }

    [Description("The file or device on the host.")]
    public string? Path { get; init; }

    [Description("MiB that it takes.")]
    public long? Allocated { get; init; }

    [Description("How much of what the host does to it is done, in percent.")]
    public int? Progress { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostVolumeDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_volume", "A volume as a host has it.")
        .KeyedBy("host", "volume")
        .Reported<HostVolumeCurrent>(by: "host")
        .Index("host", "volume")
        .Mount("/host/volume", Access.Protected)
        .Build();
}
