using System.Globalization;
using System.Xml.Linq;

namespace PonyCloud.Twilight.Instances;

/// <summary>Makes libvirt's XML of where a disk's content is. Pure.</summary>
internal static class DiskSourceXml
{
    internal static XElement For(DiskSource source) => source switch
    {
        DiskSource.Qcow2 file => new XElement("source", new XAttribute("file", file.Path)),
        DiskSource.Raw file => new XElement("source", new XAttribute("file", file.Path)),
        DiskSource.Device device => new XElement("source", new XAttribute("dev", device.Path)),
        DiskSource.Rbd rbd => Network(
            "rbd", rbd,
            rbd.Monitors.Split(',').Select(Host),
            Login("ceph", rbd.User, rbd.Secret),
            // None of the machine's own settings.
            new XElement("config", new XAttribute("file", "/dev/null"))),
        DiskSource.Iscsi unit => Network(
            "iscsi", unit,
            Host(unit.Portal),
            Login("iscsi", unit.User, unit.Secret),
            unit.Size is { } size ? Slice(size) : null,
            new XElement("initiator", new XElement("iqn", new XAttribute("name", unit.Initiator)))),
        _ => throw new ArgumentOutOfRangeException(nameof(source), source, null),
    };

    private static XElement Network(string protocol, DiskSource source, params object?[] content) =>
        new("source", new XAttribute("protocol", protocol), new XAttribute("name", source.Name), content);

    private static XElement Host(string server)
    {
        var uri = new Uri($"tcp://{server}");
        return new XElement(
            "host",
            new XAttribute("name", uri.IdnHost),
            uri.Port < 0 ? null : new XAttribute("port", uri.Port.ToString(CultureInfo.InvariantCulture)));
    }

    private static XElement? Login(string type, string? user, Guid? secret) => user is null || secret is null ? null : new XElement(
        "auth",
        new XAttribute("username", user),
        new XElement("secret", new XAttribute("type", type), new XAttribute("uuid", secret)));

    // A unit may be larger than the volume that is in it.
    private static XElement Slice(long size) => new(
        "slices",
        new XElement(
            "slice",
            new XAttribute("type", "storage"),
            new XAttribute("offset", "0"),
            new XAttribute("size", size.ToString(CultureInfo.InvariantCulture))));
}
