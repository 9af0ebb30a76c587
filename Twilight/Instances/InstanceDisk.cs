using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Instances;

/// <summary>A disk or CD-ROM drive that an instance is to have.</summary>
public sealed record InstanceDisk
{
    public required Guid Vdisk { get; init; }

    /// <summary>The place among the disks of the instance; null while it has none.</summary>
    public required int? Index { get; init; }

    /// <summary>As the guest finds it: there is no CD-ROM drive on virtio.</summary>
    public required VdiskBus Bus { get; init; }

    public required VdiskCache Cache { get; init; }

    public required bool IsCdrom { get; init; }

    /// <summary>The volume that it is, or the image that is in the drive.</summary>
    public required Guid Content { get; init; }

    /// <summary>Reads and writes in a second; null for no limit.</summary>
    public int? IopsMax { get; init; }

    /// <summary>KiB in a second; null for no limit.</summary>
    public int? BandwidthMax { get; init; }

    /// <summary>Null until the host has it.</summary>
    public DiskSource? Source { get; init; }

    /// <summary>Null for a vdisk of a template, which no instance has.</summary>
    public static InstanceDisk? Of(VdiskDesired row) => (row.Volume ?? row.Image) is not { } content ? null : new InstanceDisk
    {
        Vdisk = row.Uuid,
        Index = row.Index,
        Bus = row is { Image: not null, Bus: VdiskBus.Virtio } ? VdiskBus.Sata : row.Bus,
        Cache = row.Cache,
        IsCdrom = row.Image is not null,
        Content = content,
        IopsMax = row.IopsMax,
        BandwidthMax = row.BandwidthMax,
    };

    public override string ToString() =>
        $"{(IsCdrom ? "CD-ROM" : "disk")} {Index} {Vdisk} ({DiskXml.NameOf(Bus)}, {DiskXml.NameOf(Cache)}, {Content}"
        + $"{(IopsMax is null ? "" : $", {IopsMax}/s")}{(BandwidthMax is null ? "" : $", {BandwidthMax} KiB/s")})";
}
