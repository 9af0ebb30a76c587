using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostExtentCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("extent")]
    public required Guid Extent { get; init; }

    public required StorageStatus Status { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostExtentDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_extent", "An extent as a host has it.")
        .KeyedBy("host", "extent")
        .Reported<HostExtentCurrent>(by: "host")
        .Index("host", "extent")
        .Mount("/host/extent", Access.Protected)
        .Build();
}
