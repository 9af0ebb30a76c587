using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>Whether what a guest has is what it is to have.</summary>
internal static class DiskContent
{
    /// <summary>
    /// Whether a disk that is there is of the volume or image that is wanted, whatever its generation. What names neither is taken
    /// for it until something else is ready.
    /// </summary>
    internal static bool Is(ObservedDisk seen, InstanceDisk disk, DiskState? state)
    {
        if (seen.Source is null || seen.Source == state?.Source?.Name)
            return seen.Source is not null;
        return ObjectName.In(seen.Source) is { } name ? name.Uuid == disk.Content : state?.Source is null;
    }

    /// <summary>What is to be otherwise and cannot be changed while the guest runs.</summary>
    /// <param name="state">Null for a drive that is empty.</param>
    internal static IEnumerable<string> FieldsForNextStart(ObservedDisk seen, InstanceDisk disk, DiskState? state)
    {
        if (seen.Bus != DiskXml.NameOf(disk.Bus))
            yield return "bus";
        else if (disk.Index is { } index && seen.Target != DiskPlaces.Target(disk.Bus, index))
            yield return "index";
        if (state is not null && seen.Cache != DiskXml.NameOf(disk.Cache))
            yield return "cache";
        if (!seen.IsCdrom && state?.Source is { } source && source.Name != seen.Source)
            yield return "content";
    }
}
