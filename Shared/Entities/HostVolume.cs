using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// The host keeps the volume: it makes, fills, grows and removes it, and its snapshots. Stored, since where a pool is the
/// host's own the content is there and nowhere else; and where hosts share a pool, one of them has the work.
/// </summary>
public sealed record HostVolumeDesired
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("volume")]
    public required Guid Volume { get; init; }

    [Description("The volume from which this one is to be filled; it is sent to the host along with it.")]
    [References("volume")]
    public Guid? SourceVolume { get; init; }
}

public sealed record HostVolumeCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("volume")]
    public required Guid Volume { get; init; }

    [Description("ready: it can be used. preparing: it is being made, filled, grown or reverted, or waits for that.")]
    public required StorageStatus Status { get; init; }

    [Description("The file or device on the host, or what QEMU calls it.")]
    public string? Path { get; init; }

    [Description("MiB that it has now.")]
    public long? Size { get; init; }

    [Description("MiB that it takes.")]
    public long? Allocated { get; init; }

    [Description("The generation of the content that is complete; absent while there is none.")]
    public int? Generation { get; init; }

    [Description("The count of the last order to revert it that was carried out.")]
    public int? Reverts { get; init; }

    [Description("MiB from its beginning that were wiped before anything was written there; absent where pools see to that themselves.")]
    public long? Cleared { get; init; }

    [Description("How much of what the host does to it is done, in percent.")]
    public int? Progress { get; init; }

    [Description("Bytes of that which are done.")]
    public long? Bytes { get; init; }

    [Description("Bytes a second.")]
    public long? Rate { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostVolumeDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_volume", "A volume on a host: that it keeps it, and how it has it.")
        .KeyedBy("host", "volume")
        .Stored<HostVolumeDesired>()
        .Reported<HostVolumeCurrent>(by: "host")
        .WrittenByPlatform()
        .Index("host", "volume", "source_volume")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/host/volume", Access.Protected)
        .Build();
}
