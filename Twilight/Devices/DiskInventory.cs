using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Devices;

/// <summary>A disk of the host.</summary>
public sealed record FoundDisk
{
    /// <summary>As <c>disk.id</c> has it.</summary>
    public required string Id { get; init; }

    /// <summary>Ready, or broken with <see cref="Why"/>.</summary>
    public required StorageStatus Status { get; init; }

    /// <summary>The device to use; null while it is not clear which one that is.</summary>
    public string? Path { get; init; }

    /// <summary>The device to ask for its health: a path that works, since a map passes no such questions on. Null for none.</summary>
    public string? Probe { get; init; }

    /// <summary>MiB.</summary>
    public long? Size { get; init; }

    public string? Model { get; init; }

    public bool? Rotational { get; init; }

    /// <summary>Ways to it that work; null where there is only the one.</summary>
    public int? Paths { get; init; }

    public string? Why { get; init; }
}

/// <summary>
/// Makes disks of block devices: which of them are disks, who they are, and which are the same. Pure; the rules are in
/// README.md. The answer does not depend on the order of the devices, is in the order of the ids, and has each id once.
/// </summary>
public static class DiskInventory
{
    // Of 512 bytes.
    private const long SectorsPerMebibyte = 2048;

    public static IReadOnlyList<FoundDisk> Of(IEnumerable<BlockDevice> devices, bool admitsLoop = false)
    {
        var disks = devices
            .DistinctBy(device => device.DevicePath)
            .Where(device => DiskRules.WhyNot(device, admitsLoop) is null)
            .OrderBy(device => device.Name.Length).ThenBy(device => device.Name, StringComparer.Ordinal)
            .ThenBy(device => device.DevicePath, StringComparer.Ordinal)
            .ToList();
        var ids = disks.Where(disk => !DiskRules.IsMap(disk)).ToDictionary(disk => disk, DiskId.Of);
        var byName = ids.ToLookup(disk => disk.Key.Name, disk => disk.Value);
        var claims = disks.Select(disk => (Id: ids.TryGetValue(disk, out var id) ? id : OfMap(disk, byName), Device: disk));
        return [.. claims
            .GroupBy(claim => claim.Id.Text, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => Judge(group.First().Id, [.. group.Select(claim => claim.Device)]))];
    }

    /// <summary>A map is the disk that its paths lead to; where they disagree, its own name counts, and theirs differ from it.</summary>
    private static DiskId OfMap(BlockDevice map, ILookup<string, DiskId> byName)
    {
        var paths = map.MadeOf.SelectMany(name => byName[name]).Distinct().ToList();
        return paths.Count == 1 ? paths[0] : DiskId.OfMap(DiskRules.MapWwid(map)!);
    }

    private static FoundDisk Judge(DiskId id, IReadOnlyList<BlockDevice> devices)
    {
        var maps = devices.Where(DiskRules.IsMap).ToList();
        var paths = devices.Where(device => !DiskRules.IsMap(device)).ToList();
        if (WhyNotOne(id, maps, paths) is { } conflict)
        {
            return new FoundDisk
            {
                Id = id.Text,
                Status = StorageStatus.Broken,
                Why = $"{NamesOf(devices)} all say that they are this disk, {conflict}.",
            };
        }

        var working = paths.Where(IsWorking).ToList();
        var used = maps.FirstOrDefault() ?? working.FirstOrDefault() ?? paths[0];
        var hasSeveral = maps.Count > 0 || paths.Count > 1;
        var isBroken = working.Count == 0;
        return new FoundDisk
        {
            Id = id.Text,
            Status = isBroken ? StorageStatus.Broken : StorageStatus.Ready,
            Path = used.Node,
            Probe = working.FirstOrDefault()?.Node,
            Size = DiskRules.Sectors(used) / SectorsPerMebibyte,
            Model = paths.Select(ModelOf).FirstOrDefault(model => model is not null),
            Rotational = used.Attribute("queue/rotational") switch { "1" => true, "0" => false, _ => null },
            Paths = hasSeveral ? working.Count : null,
            Why = isBroken ? WhyBroken(paths) : null,
        };
    }

    private static string WhyBroken(List<BlockDevice> paths) => paths.Count == 0
        ? "No path to it is left."
        : $"The kernel has given up on it: {string.Join(", ", paths.Select(path => $"{path.Name} is {path.Attribute("device/state")}"))}.";

    /// <summary>What shows that devices of one id are not one disk; null when nothing does.</summary>
    private static string? WhyNotOne(DiskId id, List<BlockDevice> maps, List<BlockDevice> paths)
    {
        if (maps.Count > 1)
            return "and two of them are maps";
        if (paths.Count < 2)
            return null;
        if (Differ(paths, DiskRules.Sectors))
            return $"but their sizes differ ({string.Join(", ", paths.Select(DiskRules.Sectors))} sectors)";
        if (Differ(paths, ModelOf))
            return $"but their models differ ({string.Join(", ", paths.Select(path => ModelOf(path) ?? "none"))})";
        if (Differ(paths, DiskId.Serial))
            return "but their serial numbers differ";
        if (maps.Count == 1 && paths.All(path => maps[0].MadeOf.Contains(path.Name)))
            return null;
        if (id.Kind is not (DiskIdKind.Wwn or DiskIdKind.Iscsi))
            return "and without a WWN they cannot be taken for paths to one";
        return paths.Any(path => path.Property("ID_BUS") is "ata" or "usb") ? "and their bus knows no second path" : null;
    }

    private static bool Differ<T>(IEnumerable<BlockDevice> devices, Func<BlockDevice, T> value) =>
        devices.Select(value).Distinct().Skip(1).Any();

    /// <summary>SCSI says running, NVMe live; others say nothing, and are gone when they do not work.</summary>
    private static bool IsWorking(BlockDevice device) => device.Attribute("device/state") is null or "running" or "live";

    private static string? ModelOf(BlockDevice device) =>
        (device.Property("ID_MODEL_ENC") is { } escaped ? UdevText.Unescape(escaped).Trim() : null) is { Length: > 0 } full
            ? full
            : device.Property("ID_MODEL") ?? device.Attribute("device/model");

    private static string NamesOf(IEnumerable<BlockDevice> devices) => string.Join(", ", devices.Select(device => device.Name));
}
