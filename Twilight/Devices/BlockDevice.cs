namespace PonyCloud.Twilight.Devices;

/// <summary>A block device as udev and sysfs show it. Data: it says nothing about what to make of it.</summary>
public sealed record BlockDevice
{
    /// <summary>Its directory below /sys, which tells it from all others: <c>/devices/pci0000:00/…/block/sda</c>.</summary>
    public required string DevicePath { get; init; }

    /// <summary>Properties of the udev database, or those of the kernel alone where no udev daemon runs.</summary>
    public required IReadOnlyDictionary<string, string> Properties { get; init; }

    /// <summary>Files of its directory in sysfs, those of <see cref="Read"/> that it has; without white space around.</summary>
    public required IReadOnlyDictionary<string, string> Attributes { get; init; }

    /// <summary>Kernel names of the devices that it is made of.</summary>
    public IReadOnlyList<string> MadeOf { get; init; } = [];

    /// <summary>The files that are read.</summary>
    internal static IReadOnlyList<string> Read { get; } =
    [
        "size", "hidden", "queue/rotational", "dm/uuid", "loop/backing_file", "wwid", "serial",
        "device/wwid", "device/serial", "device/model", "device/state",
    ];

    /// <summary>The kernel's name, such as <c>sda</c>.</summary>
    public string Name => DevicePath[(DevicePath.LastIndexOf('/') + 1)..];

    /// <summary>The device file, such as <c>/dev/sda</c>.</summary>
    public string Node => Property("DEVNAME") ?? "/dev/" + Name.Replace('!', '/');

    /// <summary>Null when it is absent or empty.</summary>
    public string? Property(string name) => NullIfEmpty(Properties.GetValueOrDefault(name));

    /// <inheritdoc cref="Property"/>
    public string? Attribute(string name) => NullIfEmpty(Attributes.GetValueOrDefault(name));

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
