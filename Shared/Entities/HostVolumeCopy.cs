using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

/// <summary>Who fills the copy of a volume.</summary>
public enum CopyFill
{
    /// <summary>The hypervisor of the host that keeps the volume, while the guest goes on: the host of the copy makes room for it.</summary>
    Hypervisor,

    /// <summary>The host of the copy, which fetches the content from the host that keeps it. Nothing writes there meanwhile.</summary>
    Fetch,
}

/// <summary>
/// The content of a volume is copied to a host that does not keep it, since its instance is to move there. Stored, since the number that
/// the copy is given is never given again: what is left of an attempt can so never be taken for the content.
/// </summary>
public sealed record HostVolumeCopyDesired
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("volume")]
    public required Guid Volume { get; init; }

    [Description("The instance that is to move with it.")]
    [References("instance")]
    public required Guid Instance { get; init; }

    public required CopyFill Fill { get; init; }

    [Description("The generation that the content has on this host, and that the volume has once the host keeps it; the database gives it.")]
    [Range(1, int.MaxValue)]
    public int? Generation { get; init; }
}

public sealed record HostVolumeCopyCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("volume")]
    public required Guid Volume { get; init; }

    [Description("ready: there is room for it, or, where it is fetched, all of it is there.")]
    public required StorageStatus Status { get; init; }

    [Description("The generation that this is said of.")]
    public int? Generation { get; init; }

    [Description("How much of it is fetched, in percent.")]
    public int? Progress { get; init; }

    [Description("Bytes of that which are fetched.")]
    public long? Bytes { get; init; }

    [Description("Bytes a second.")]
    public long? Rate { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostVolumeCopyDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_volume_copy", "A copy of a volume on a host to which its instance moves, and which does not keep it yet.")
        .KeyedBy("host", "volume")
        .Stored<HostVolumeCopyDesired>()
        .Reported<HostVolumeCopyCurrent>(by: "host")
        .WrittenByPlatform()
        .Index("host", "volume", "instance")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/host/volume-copy", Access.Protected)
        .Build();
}
