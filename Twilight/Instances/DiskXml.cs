using System.Globalization;
using System.Xml.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Instances;

/// <summary>Makes libvirt's XML of disks and CD-ROM drives (libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms). Pure.</summary>
public static class DiskXml
{
    // What virtio has room for; of a uuid that is all but its last digits.
    private const int SerialLength = 20;

    /// <summary>The disk, to be in a definition or to be plugged in. It has a source and a place.</summary>
    /// <param name="bootOrder">From 1; null for one that is not booted from.</param>
    public static XElement For(InstanceDisk disk, int? bootOrder = null) => new(
        "disk",
        new XAttribute("type", TypeOf(disk.Source!)),
        new XAttribute("device", disk.IsCdrom ? "cdrom" : "disk"),
        Driver(disk, NameOf(disk.Cache)),
        DiskSourceXml.For(disk.Source!),
        Target(DiskPlaces.Target(disk.Bus, disk.Index!.Value), NameOf(disk.Bus)),
        Limits(LimitsOf(disk)),
        disk.IsCdrom ? new XElement("readonly") : null,
        new XElement("serial", SerialOf(disk.Vdisk)),
        bootOrder is { } order ? new XElement("boot", new XAttribute("order", Text(order))) : null,
        new XElement("alias", new XAttribute("name", DeviceAlias.Of(disk.Vdisk))),
        DiskPlaces.Address(disk.Bus, disk.Index!.Value));

    /// <summary>A drive that is there, with something else in it.</summary>
    /// <param name="medium">Null to leave it empty.</param>
    public static XElement WithMedium(ObservedDisk drive, InstanceDisk? medium) => new(
        "disk",
        new XAttribute("type", medium is null ? "file" : TypeOf(medium.Source!)),
        new XAttribute("device", "cdrom"),
        medium is null ? null : Driver(medium, drive.Cache),
        medium is null ? null : DiskSourceXml.For(medium.Source!),
        Target(drive.Target, drive.Bus),
        new XElement("readonly"),
        drive.Vdisk is { } vdisk ? new XElement("alias", new XAttribute("name", DeviceAlias.Of(vdisk))) : null);

    /// <summary>
    /// A file that cloud-init in the guest looks at: a read-only CD-ROM of no row. It is on SCSI, since Debian's kernel for clouds knows no SATA.
    /// </summary>
    public static XElement Seed(string path) => new(
        "disk",
        new XAttribute("type", "file"),
        new XAttribute("device", "cdrom"),
        new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw")),
        new XElement("source", new XAttribute("file", path)),
        Target(DiskPlaces.SeedTarget, NameOf(VdiskBus.Scsi)),
        new XElement("readonly"),
        DiskPlaces.SeedAddress);

    /// <summary>What the guest finds it by, in <c>/dev/disk/by-id</c>: the first twenty characters of the vdisk's uuid.</summary>
    public static string SerialOf(Guid vdisk) => vdisk.ToString()[..SerialLength];

    /// <summary>What it gets at most.</summary>
    public static DiskLimits LimitsOf(InstanceDisk disk) => new(disk.IopsMax ?? 0, (disk.BandwidthMax ?? 0) * 1024L);

    /// <summary>libvirt's name of the bus.</summary>
    public static string NameOf(VdiskBus bus) => bus switch
    {
        VdiskBus.Virtio => "virtio",
        VdiskBus.Scsi => "scsi",
        VdiskBus.Sata => "sata",
        _ => throw new ArgumentOutOfRangeException(nameof(bus), bus, null),
    };

    /// <summary>QEMU's name of what is kept in memory.</summary>
    public static string NameOf(VdiskCache cache) => cache switch
    {
        VdiskCache.None => "none",
        VdiskCache.Writeback => "writeback",
        VdiskCache.Writethrough => "writethrough",
        VdiskCache.Directsync => "directsync",
        VdiskCache.Unsafe => "unsafe",
        _ => throw new ArgumentOutOfRangeException(nameof(cache), cache, null),
    };

    private static string TypeOf(DiskSource source) => source switch
    {
        DiskSource.Qcow2 or DiskSource.Raw => "file",
        DiskSource.Device => "block",
        _ => "network",
    };

    private static XElement Driver(InstanceDisk disk, string? cache) => new(
        "driver",
        new XAttribute("name", "qemu"),
        new XAttribute("type", disk.Source is DiskSource.Qcow2 ? "qcow2" : "raw"),
        cache is null ? null : new XAttribute("cache", cache),
        // What the guest frees is free on the host.
        disk.IsCdrom ? null : new XAttribute("discard", "unmap"));

    private static XElement Target(string name, string? bus) => new(
        "target", new XAttribute("dev", name), new XAttribute("bus", bus ?? ""));

    private static XElement? Limits(DiskLimits limits) => limits == default ? null : new XElement(
        "iotune",
        limits.BytesMax == 0 ? null : new XElement("total_bytes_sec", Text(limits.BytesMax)),
        limits.IopsMax == 0 ? null : new XElement("total_iops_sec", Text(limits.IopsMax)));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
