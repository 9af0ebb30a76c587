using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace PonyCloud.Twilight.Hypervisor;

/// <summary>
/// The mark that the platform puts into the metadata of each domain that it makes: whose it is, and the digest of the
/// shape that it was defined with.
/// </summary>
/// <param name="Instance">The instance. A domain whose own uuid differs is somebody's copy, not ours.</param>
/// <param name="Shape">Digest of the definition; another one than wanted means that the definition changed since.</param>
public sealed record DomainMetadata(Guid Instance, string Shape)
{
    /// <summary>The XML namespace of the element, which is also the key under which libvirt keeps it.</summary>
    public const string Namespace = "urn:ponycloud:domain:1";

    /// <summary>The prefix by which definitions name it.</summary>
    public const string Prefix = "ponycloud";

    private static readonly XNamespace Xmlns = Namespace;

    /// <summary>What of the instance's row is in the shape; empty where that is not known.</summary>
    public string Fields { get; init; } = "";

    /// <summary>The count of the last order to restart it through its guest that was carried out, or that its start made needless.</summary>
    public int Reboots { get; init; }

    /// <summary>The same for orders to reset it.</summary>
    public int Resets { get; init; }

    /// <summary>How it went off by itself, and is not to be started again; null while that is not so.</summary>
    public DomainEnd? Ended { get; init; }

    /// <summary>
    /// It was seen on since it was last to be off. Found off by an agent that did not see it end, it ended unseen; not written for one
    /// that is started again however it ended.
    /// </summary>
    public bool HasRun { get; init; }

    /// <summary>The host for which it leaves this one. Off, it has left, and is not started here.</summary>
    public Guid? Leaving { get; init; }

    /// <summary>
    /// The hypervisor said that it ended here since its copy is whole there. Without this nobody knows whether it went on after it was copied.
    /// </summary>
    public bool HasMigrated { get; init; }

    /// <summary>The host from which it was copied. It stands still until somebody says that the copy is the instance.</summary>
    public Guid? Arriving { get; init; }

    public XElement ToXml() => new(
        Xmlns + "instance",
        new XAttribute(XNamespace.Xmlns + Prefix, Namespace),
        new XAttribute("uuid", Instance),
        new XAttribute("shape", Shape),
        new XAttribute("fields", Fields),
        new XAttribute("reboots", Reboots),
        new XAttribute("resets", Resets),
        Ended is { } ended ? new XAttribute("ended", ended) : null,
        HasRun ? new XAttribute("run", true) : null,
        Leaving is null ? null : new XAttribute("leaving", Leaving),
        HasMigrated ? new XAttribute("migrated", true) : null,
        Arriving is null ? null : new XAttribute("arriving", Arriving));

    /// <summary>The mark of a domain of ours; null when the domain is foreign: unmarked, marked unreadably, or a copy of ours.</summary>
    public static DomainMetadata? Of(ObservedDomain domain) =>
        Parse(domain.Metadata) is { } metadata && metadata.Instance == domain.Uuid ? metadata : null;

    /// <summary>Reads the element; null when there is none or it is not of this form.</summary>
    public static DomainMetadata? Parse(string? xml)
    {
        if (xml is null)
            return null;
        XElement element;
        try
        {
            element = XElement.Parse(xml);
        }
        catch (XmlException)
        {
            // What cannot be read was not written here.
            return null;
        }
        // libvirt hands the element out without its namespace when it was declared outside of it.
        return element.Name.LocalName == "instance"
            && Guid.TryParse(element.Attribute("uuid")?.Value, out var uuid)
            && element.Attribute("shape")?.Value is { } shape
                ? new DomainMetadata(uuid, shape)
                {
                    Fields = element.Attribute("fields")?.Value ?? "",
                    Reboots = Count(element, "reboots"),
                    Resets = Count(element, "resets"),
                    Ended = Enum.TryParse<DomainEnd>(element.Attribute("ended")?.Value, out var ended) ? ended : null,
                    HasRun = Flag(element, "run"),
                    Leaving = Host(element, "leaving"),
                    HasMigrated = Flag(element, "migrated"),
                    Arriving = Host(element, "arriving"),
                }
                : null;
    }

    private static bool Flag(XElement element, string name) => element.Attribute(name)?.Value == "true";

    private static Guid? Host(XElement element, string name) => Guid.TryParse(element.Attribute(name)?.Value, out var host) ? host : null;

    private static int Count(XElement element, string name) =>
        int.TryParse(element.Attribute(name)?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0;
}
