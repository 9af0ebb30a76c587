using System.Globalization;
using System.Xml.Linq;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Instances;

/// <summary>
/// Where in the machine disks are, and what they are called: by the index alone, so that whatever else comes and goes, a disk is
/// where it was.
/// <code>
///   bus      place                                                                      while the guest runs
///   virtio   a PCI Express port of its own (<see cref="PciPorts"/>), index 0 to 31      comes and goes; 0 to 7 into any guest
///   scsi     target INDEX of one virtio-scsi controller, which each domain has          comes and goes
///   sata     0 to 4: the machine's own controller; 5 to 31: further ones, six on each   stays; a CD is changed
///   none     unit 1 of target 0 of the virtio-scsi controller                           the seed of cloud-init: for a start
/// </code>
/// </summary>
internal static class DiskPlaces
{
    internal const int VirtioMax = 31;
    internal const int SataMax = 31;

    // Behind the names of all disks that have an index.
    private const int SeedName = 256;

    private const int SeedUnit = 1;

    private const int OwnSata = 5;
    private const int SataPorts = 6;

    // Slots of the root bus that nothing else takes: ports fill it from the first one, the chipset is in the last one.
    private const int FirstSataSlot = 0x18;

    /// <summary>Why there is no place for a disk, in words; null when there is one.</summary>
    internal static string? WhyNone(InstanceDisk disk) => (disk.Index, disk.Bus) switch
    {
        (null, _) => "it has no index yet",
        ( > VirtioMax, VdiskBus.Virtio) => $"the bus virtio takes indexes up to {VirtioMax}",
        ( > SataMax, VdiskBus.Sata) => $"the bus sata takes indexes up to {SataMax}",
        _ => null,
    };

    /// <summary>Whether it can come and go while the guest runs.</summary>
    internal static bool IsPluggable(string? bus) => bus is "virtio" or "scsi";

    /// <summary>Controllers besides those that each domain has.</summary>
    internal static IEnumerable<XElement> MoreFor(IReadOnlyList<InstanceDisk> disks)
    {
        var last = disks.Where(disk => disk.Bus == VdiskBus.Sata && WhyNone(disk) is null).Select(disk => SataOf(disk.Index!.Value).Controller)
            .DefaultIfEmpty(0).Max();
        return Enumerable.Range(1, last).Select(controller => new XElement(
            "controller",
            new XAttribute("type", "sata"),
            new XAttribute("index", Text(controller)),
            new XElement(
                "address",
                new XAttribute("type", "pci"),
                new XAttribute("bus", "0x00"),
                new XAttribute("slot", string.Create(CultureInfo.InvariantCulture, $"0x{FirstSataSlot + controller - 1:x2}")))));
    }

    internal static XElement Address(VdiskBus bus, int index) => bus switch
    {
        VdiskBus.Virtio => PciPorts.Address(PciPorts.OfDisk(index)),
        VdiskBus.Scsi => Drive(0, index, 0),
        _ => Drive(SataOf(index).Controller, 0, SataOf(index).Unit),
    };

    internal static XElement SeedAddress => Drive(0, 0, SeedUnit);

    internal static string SeedTarget => $"sd{Letters(SeedName)}";

    /// <summary>What the hypervisor calls it; a guest may call it otherwise.</summary>
    internal static string Target(VdiskBus bus, int index) => $"{(bus == VdiskBus.Virtio ? "vd" : "sd")}{Letters(index)}";

    private static (int Controller, int Unit) SataOf(int index) => index < OwnSata
        ? (0, index)
        : (1 + ((index - OwnSata) / SataPorts), (index - OwnSata) % SataPorts);

    private static XElement Drive(int controller, int target, int unit) => new(
        "address",
        new XAttribute("type", "drive"),
        new XAttribute("controller", Text(controller)),
        new XAttribute("bus", "0"),
        new XAttribute("target", Text(target)),
        new XAttribute("unit", Text(unit)));

    // a … z, aa … zz
    private static string Letters(int number) => number < 26
        ? $"{(char)('a' + number)}"
        : Letters((number / 26) - 1) + Letters(number % 26);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
