using System.Text.RegularExpressions;

namespace PonyCloud.Twilight.Devices;

/// <summary>Which block devices are disks; the table with the reasons is in README.md.</summary>
internal static partial class DiskRules
{
    private const string MultipathUuid = "mpath-";

    /// <summary>Why the device is no disk; null when it is one, or a path to one.</summary>
    /// <param name="admitsLoop">Loop devices that are attached count as disks.</param>
    public static string? WhyNot(BlockDevice device, bool admitsLoop)
    {
        if (device.Property("DEVTYPE") == "partition")
            return "a partition";
        if (device.Attribute("hidden") == "1")
            return "a path that NVMe multipathing has taken over";
        var isAdmittedLoop = admitsLoop && device.Attribute("loop/backing_file") is not null;
        if (!isAdmittedLoop && WhatItsNameSays(device) is { } why)
            return why;
        return Sectors(device) > 0 ? null : "without medium";
    }

    /// <summary>Whether the device is a map of dm-multipath.</summary>
    public static bool IsMap(BlockDevice device) => MapWwid(device) is not null;

    /// <summary>How multipathd calls the disk that the device is a map of; null when it is none.</summary>
    public static string? MapWwid(BlockDevice device) =>
        (device.Attribute("dm/uuid") ?? device.Property("DM_UUID")) is { } uuid && uuid.StartsWith(MultipathUuid, StringComparison.Ordinal)
            ? uuid[MultipathUuid.Length..]
            : null;

    /// <summary>Units of 512 bytes, whatever the disk itself counts in; 0 when the kernel does not say.</summary>
    public static long Sectors(BlockDevice device) => long.TryParse(device.Attribute("size"), out var sectors) ? sectors : 0;

    private static string? WhatItsNameSays(BlockDevice device)
    {
        if (IsMap(device))
            return null;
        return Family().Match(device.Name).Groups["family"].Value switch
        {
            "loop" => "a file",
            "ram" or "zram" => "memory",
            "md" or "md_d" or "dm-" or "bcache" or "drbd" or "zd" => "made of disks",
            "nbd" or "rbd" => "a volume of a storage server",
            "sr" or "fd" => "a drive for media",
            "mmcblk" when MmcArea().IsMatch(device.Name) => "an area of a disk",
            _ => null,
        };
    }

    [GeneratedRegex("^mmcblk[0-9]+(boot|rpmb)")]
    private static partial Regex MmcArea();

    [GeneratedRegex("^(?<family>md_d|dm-|[a-z]+)")]
    private static partial Regex Family();
}
