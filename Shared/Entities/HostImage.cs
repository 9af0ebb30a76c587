using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostImageCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("image_copy")]
    public required Guid ImageCopy { get; init; }

    public required StorageStatus Status { get; init; }

    [Description("raw or qcow2, as its content tells.")]
    public string? Format { get; init; }

    [Description("MiB that a disk made from it has at least.")]
    public long? Size { get; init; }

    [Description("How much of it is fetched, in percent; absent while nobody knows how much there is.")]
    public int? Progress { get; init; }

    [Description("Bytes that are fetched.")]
    public long? Bytes { get; init; }

    [Description("Bytes a second.")]
    public long? Rate { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostImageDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_image", "A copy of an image as the host that keeps it has it.")
        .KeyedBy("host", "image_copy")
        .Reported<HostImageCurrent>(by: "host")
        .Index("host", "image_copy")
        .Mount("/host/image", Access.Protected)
        .Build();
}
