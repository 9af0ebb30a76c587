using System.Globalization;
using System.Xml.Linq;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Instances;

/// <summary>
/// Where on PCI Express devices are. A port takes one device, and a running guest gets no new ports, so each domain has spare ones:
/// <code>
///   port   0      1                2         3 … 18          19     20 … 27           28 … 43           44 … 67
///          root   random numbers   balloon   card 0 … 15     scsi   disk 0 … 7        card 16 … 31      disk 8 … 31
///                                                                   (of bus virtio)   only if it starts with such a card or disk
/// </code>
/// </summary>
/// <remarks>
/// Each costs a guest time at its boot, so there are fewer than an instance can have devices. One with an index beyond them comes
/// at the next start.
/// </remarks>
internal static class PciPorts
{
    internal const int Random = 1;
    internal const int Balloon = 2;
    internal const int Scsi = 19;

    // What is there from the start to the end needs no port: it has a slot of the root bus, beyond those of the ports.
    internal const int Screen = 0x10;
    internal const int Usb = 0x11;
    internal const int Channels = 0x12;
    internal const int Watchdog = 0x13;

    private const int FirstCard = 3;
    private const int FirstDisk = 20;
    private const int FirstMoreCard = 28;
    private const int FirstMoreDisk = 44;
    private const int End = 68;

    private const int SpareCards = 16;
    private const int SpareDisks = 8;

    /// <summary>What each domain has.</summary>
    internal static IEnumerable<XElement> Controllers => Range(0, FirstMoreCard);

    internal static int OfCard(int index) => index < SpareCards ? FirstCard + index : FirstMoreCard + index - SpareCards;

    /// <param name="index">Of a disk on the bus virtio.</param>
    internal static int OfDisk(int index) => index < SpareDisks ? FirstDisk + index : FirstMoreDisk + index - SpareDisks;

    /// <summary>Whether the card can be plugged into any domain that is on.</summary>
    internal static bool IsSpare(InstanceCard card) => card.Index is null or < SpareCards;

    /// <summary>Whether the disk can be plugged into any domain that is on.</summary>
    internal static bool IsSpare(InstanceDisk disk) => disk is { Bus: not VdiskBus.Virtio } or { Index: null or < SpareDisks };

    /// <summary>What a domain has besides to start with these.</summary>
    internal static IEnumerable<XElement> MoreFor(IEnumerable<InstanceCard> cards, IEnumerable<InstanceDisk> disks) =>
        // No port is left out: libvirt would fill the gap.
        !disks.All(IsSpare) ? Range(FirstMoreCard, End - FirstMoreCard)
        : !cards.All(IsSpare) ? Range(FirstMoreCard, FirstMoreDisk - FirstMoreCard)
        : [];

    /// <summary>The address of the device in a port, whose number is that of the bus behind it.</summary>
    internal static XElement Address(int port) => new(
        "address", new XAttribute("type", "pci"), new XAttribute("bus", string.Create(CultureInfo.InvariantCulture, $"0x{port:x2}")));

    /// <summary>The address of a device that is in a slot of the root bus.</summary>
    internal static XElement Fixed(int slot) => new(
        "address", new XAttribute("type", "pci"), new XAttribute("bus", "0x00"),
        new XAttribute("slot", string.Create(CultureInfo.InvariantCulture, $"0x{slot:x2}")));

    private static IEnumerable<XElement> Range(int first, int count) => Enumerable.Range(first, count).Select(port => new XElement(
        "controller",
        new XAttribute("type", "pci"),
        new XAttribute("index", port.ToString(CultureInfo.InvariantCulture)),
        new XAttribute("model", port == 0 ? "pcie-root" : "pcie-root-port")));
}
