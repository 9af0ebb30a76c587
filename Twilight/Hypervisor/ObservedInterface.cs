using System.Globalization;
using System.Xml.Linq;

namespace PonyCloud.Twilight.Hypervisor;

/// <summary>A network card that a domain which is on has now.</summary>
public sealed record ObservedInterface
{
    /// <summary>The card of the platform that it is; null for one that somebody else plugged in.</summary>
    public required Guid? Vnic { get; init; }

    /// <summary>The link on the host that is behind it; null when there is none with a name.</summary>
    public string? Target { get; init; }

    public string? HardwareAddress { get; init; }

    /// <summary>Such as <c>virtio</c>, as libvirt names it.</summary>
    public string? Model { get; init; }

    /// <summary>Whether the guest sees its cable plugged in.</summary>
    public bool IsUp { get; init; } = true;

    /// <summary>The largest packet that the guest was told of; null when it was told of none.</summary>
    public int? Mtu { get; init; }

    /// <summary>The cards in a domain's XML, in its order.</summary>
    /// <exception cref="System.Xml.XmlException">It cannot be read.</exception>
    public static IReadOnlyList<ObservedInterface> AllOf(string domainXml) =>
        [.. XElement.Parse(domainXml).Element("devices")?.Elements("interface").Select(Of) ?? []];

    /// <summary>The card of an <c>interface</c> element.</summary>
    public static ObservedInterface Of(XElement device) => new()
    {
        Vnic = DeviceAlias.RowOf(device.Element("alias")?.Attribute("name")?.Value),
        Target = device.Element("target")?.Attribute("dev")?.Value,
        HardwareAddress = device.Element("mac")?.Attribute("address")?.Value.ToLowerInvariant(),
        Model = device.Element("model")?.Attribute("type")?.Value,
        IsUp = device.Element("link")?.Attribute("state")?.Value != "down",
        Mtu = int.TryParse(device.Element("mtu")?.Attribute("size")?.Value, CultureInfo.InvariantCulture, out var mtu) ? mtu : null,
    };
}
