using System.Xml.Linq;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.Twilight.Migrations;

/// <summary>
/// Makes the definition of a copy: to its guest what the domain at the source is now, which may be other than what a start would make
/// of it; and on the host what the destination would make of it. Pure.
/// </summary>
/// <param name="Xml">The definition.</param>
/// <param name="Mark">The mark in it.</param>
/// <param name="CopiedDisks">The targets of disks that have another generation of their volume there: its content is to be copied.</param>
internal sealed record ArrivingXml(string Xml, DomainMetadata Mark, IReadOnlyList<string> CopiedDisks)
{
    private static readonly XName Element = XName.Get("instance", DomainMetadata.Namespace);

    /// <param name="live">The domain as it is at the source.</param>
    /// <param name="definition">What the destination would define for the instance.</param>
    /// <param name="source">The host that it comes from.</param>
    /// <exception cref="MigrationException">One of them cannot be read, or is none of the platform's.</exception>
    public static ArrivingXml Of(string live, string definition, Guid source)
    {
        var copy = Parse(live, "The domain");
        var there = Parse(definition, "The definition of the destination");
        var element = copy.Element("metadata")?.Element(Element);
        if (element is null || DomainMetadata.Parse(element.ToString()) is not { } mark)
            throw new MigrationException("The domain has no mark of the platform.");
        var arriving = mark with
        {
            Leaving = null,
            HasMigrated = false,
            Arriving = source,
        };
        element.ReplaceWith(arriving.ToXml());
        // Labels are made anew by each host.
        copy.Elements("seclabel").Remove();
        foreach (var file in (string[])["loader", "kernel", "initrd"])
        {
            if (there.Element("os")?.Element(file)?.Value is { Length: > 0 } path && copy.Element("os")?.Element(file) is { } here)
                here.Value = path;
        }
        var copied = Devices(copy.Element("devices")!, there.Element("devices")!);
        return new ArrivingXml(copy.ToString(), arriving, copied);
    }

    /// <returns>The targets of disks that are to be copied.</returns>
    private static List<string> Devices(XElement copy, XElement there)
    {
        var copied = new List<string>();
        copy.Elements("emulator").Remove();
        copy.AddFirst(there.Elements("emulator"));
        // libvirt shows the first serial port once more, as the console.
        if (there.Element("serial") is { } serial)
        {
            foreach (var port in copy.Elements("serial").Take(1).Concat(copy.Elements("console").Take(1)))
                Move(port, serial);
        }
        foreach (var channel in copy.Elements("channel"))
            Move(channel, there.Elements("channel").FirstOrDefault(other => NameOf(other) == NameOf(channel)));
        foreach (var disk in copy.Elements("disk"))
        {
            if (there.Elements("disk").FirstOrDefault(other => TargetOf(other) == TargetOf(disk))?.Element("source") is not { } source
                || disk.Element("source") is not { } here)
                continue;
            if (TargetOf(disk) is { } target && ContentOf(source) is { Kind: ObjectKind.Volume } content && content != ContentOf(here))
                copied.Add(target);
            here.ReplaceWith(source);
        }
        var screen = there.Elements("graphics").FirstOrDefault();
        foreach (var graphics in copy.Elements("graphics"))
        {
            graphics.Attribute("socket")?.Remove();
            if (screen?.Element("listen") is { } listen)
                graphics.Element("listen")?.ReplaceWith(listen);
        }
        return copied;
    }

    /// <summary>Its other end is where the destination would have it.</summary>
    private static void Move(XElement device, XElement? there)
    {
        foreach (var end in (string[])["source", "log"])
        {
            if (there?.Element(end) is { } wanted)
                device.Element(end)?.ReplaceWith(wanted);
        }
    }

    private static string? NameOf(XElement channel) => channel.Element("target")?.Attribute("name")?.Value;

    /// <summary>What a file, a device or a name in the network says it is.</summary>
    private static ObjectName? ContentOf(XElement source) =>
        (source.Attribute("file") ?? source.Attribute("dev") ?? source.Attribute("name")) is { Value: var text } ? ObjectName.In(text) : null;

    private static string? TargetOf(XElement disk) => disk.Element("target")?.Attribute("dev")?.Value;

    private static XElement Parse(string xml, string what)
    {
        try
        {
            var domain = XElement.Parse(xml);
            return domain.Element("devices") is null ? throw new MigrationException($"{what} has no devices.") : domain;
        }
        catch (System.Xml.XmlException exception)
        {
            throw new MigrationException($"{what} cannot be read: {exception.Message}", exception);
        }
    }
}
