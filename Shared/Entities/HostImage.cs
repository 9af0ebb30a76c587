using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostImageCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("image")]
    public required Guid Image { get; init; }

    public required StorageStatus Status { get; init; }

    [Description("How much of it the host has.")]
    public long? Bytes { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostImageDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_image", "An image as a host has it.")
        .KeyedBy("host", "image")
        .Reported<HostImageCurrent>(by: "host")
        .Index("host", "image")
        .Mount("/host/image", Access.Protected)
        .Build();
}
