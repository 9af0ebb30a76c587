using System.Xml.Linq;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Instances;

/// <summary>What of a domain comes and goes while it is on, as it is to be at its start. Pure.</summary>
internal static class DomainDevices
{
    internal static IEnumerable<XElement> For(
        InstanceBoot boot, IReadOnlyList<InstanceCard> cards, IReadOnlyList<InstanceDisk> disks, string? seed)
    {
        InstanceDisk[] placed = [.. disks.Where(disk => disk.Source is not null && DiskPlaces.WhyNone(disk) is null)];
        var order = BootOrder(boot, cards, placed);
        return
        [
            .. PciPorts.MoreFor(cards, placed),
            .. DiskPlaces.MoreFor(placed),
            .. placed.Select(disk => DiskXml.For(disk, order[disk.Vdisk])),
            .. seed is null ? [] : new[] { DiskXml.Seed(seed) },
            .. cards.Select(card => CardXml.For(card, order.TryGetValue(card.Vnic, out var place) ? place : null)),
        ];
    }

    /// <summary>The place of each device in the order in which the firmware tries them, from 1. Without a disk there is none.</summary>
    private static Dictionary<Guid, int> BootOrder(InstanceBoot boot, IReadOnlyList<InstanceCard> cards, InstanceDisk[] disks)
    {
        if (disks.Length == 0)
            return [];
        (InstanceBoot Kind, IEnumerable<Guid> Devices)[] kinds =
        [
            (InstanceBoot.Disk, disks.Where(disk => !disk.IsCdrom).Select(disk => disk.Vdisk)),
            (InstanceBoot.Network, cards.Select(card => card.Vnic)),
            (InstanceBoot.Cdrom, disks.Where(disk => disk.IsCdrom).Select(disk => disk.Vdisk)),
        ];
        return kinds.OrderByDescending(kind => kind.Kind == boot).SelectMany(kind => kind.Devices)
            .Select((device, index) => (device, index)).ToDictionary(place => place.device, place => place.index + 1);
    }
}
