using System.Globalization;
using System.Xml.Linq;

namespace PonyCloud.Twilight.Hypervisor;

/// <summary>A disk or CD-ROM drive that a domain which is on has now.</summary>
public sealed record ObservedDisk
{
    /// <summary>The vdisk of the platform that it is; null for one that has no row.</summary>
    public required Guid? Vdisk { get; init; }

    /// <summary>By what name the hypervisor is asked for it, such as <c>vda</c>.</summary>
    public required string Target { get; init; }

    /// <summary>Such as <c>virtio</c>, as libvirt names it.</summary>
    public string? Bus { get; init; }

    public bool IsCdrom { get; init; }

    /// <summary>The file, device or name that is open; null for a drive with nothing in it.</summary>
    public string? Source { get; init; }

    /// <summary>Null where the emulator's own is used.</summary>
    public string? Cache { get; init; }

    /// <summary>Reads and writes in a second; 0 for no limit.</summary>
    public long IopsMax { get; init; }

    /// <summary>Bytes in a second; 0 for no limit.</summary>
    public long BytesMax { get; init; }

    /// <summary>The disks in a domain's XML, in its order.</summary>
    /// <exception cref="System.Xml.XmlException">It cannot be read.</exception>
    public static IReadOnlyList<ObservedDisk> AllOf(string domainXml) =>
        [.. XElement.Parse(domainXml).Element("devices")?.Elements("disk").Select(Of) ?? []];

    /// <summary>The disk of a <c>disk</c> element.</summary>
    public static ObservedDisk Of(XElement device)
    {
        var source = device.Element("source");
        return new ObservedDisk
        {
            Vdisk = DeviceAlias.RowOf(device.Element("alias")?.Attribute("name")?.Value),
            Target = device.Element("target")?.Attribute("dev")?.Value ?? "",
            Bus = device.Element("target")?.Attribute("bus")?.Value,
            IsCdrom = device.Attribute("device")?.Value == "cdrom",
            Source = (source?.Attribute("file") ?? source?.Attribute("dev") ?? source?.Attribute("name"))?.Value,
            Cache = device.Element("driver")?.Attribute("cache")?.Value,
            IopsMax = Limit(device, "total_iops_sec"),
            BytesMax = Limit(device, "total_bytes_sec"),
        };
    }

    private static long Limit(XElement device, string name) =>
        long.TryParse(device.Element("iotune")?.Element(name)?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : 0;
}
