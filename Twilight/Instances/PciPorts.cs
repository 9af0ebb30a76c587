using System.Globalization;
using System.Xml.Linq;

namespace PonyCloud.Twilight.Instances;

/// <summary>
/// Where on PCI Express devices are. A port takes one device, and a running guest gets no new ports, so each domain has one
/// for every card that an instance can have:
/// <code>
///   port   0            1                 2         3 … 34
///          root         random numbers    balloon   card 0 … card 31
/// </code>
/// </summary>
internal static class PciPorts
{
    internal const int Random = 1;
    internal const int Balloon = 2;

    private const int FirstCard = 3;

    // As many as a card's index allows.
    private const int Cards = 32;

    internal static int OfCard(int index) => FirstCard + index;

    internal static IEnumerable<XElement> Controllers => Enumerable.Range(0, FirstCard + Cards).Select(port => new XElement(
        "controller",
        new XAttribute("type", "pci"),
        new XAttribute("index", port.ToString(CultureInfo.InvariantCulture)),
        new XAttribute("model", port == 0 ? "pcie-root" : "pcie-root-port")));

    /// <summary>The address of the device in a port, whose number is that of the bus behind it.</summary>
    internal static XElement Address(int port) => new(
        "address", new XAttribute("type", "pci"), new XAttribute("bus", string.Create(CultureInfo.InvariantCulture, $"0x{port:x2}")));
}
