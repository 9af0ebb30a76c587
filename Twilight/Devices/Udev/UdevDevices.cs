using System.ComponentModel;
using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Devices.Udev;

/// <summary>Looks at all block devices. Used by the monitor's thread only.</summary>
internal static unsafe class UdevDevices
{
    /// <summary>All that are ready for use.</summary>
    /// <param name="needsDaemon">Leave out devices that the udev daemon is not done with.</param>
    /// <exception cref="DeviceException">They cannot be looked at.</exception>
    public static List<BlockDevice> Scan(nint udev, bool needsDaemon)
    {
        var enumerate = UdevNative.udev_enumerate_new(udev);
        if (enumerate == 0)
            throw Failure("list devices", Marshal.GetLastPInvokeError());
        try
        {
            ThrowIfNegative(UdevNative.udev_enumerate_add_match_subsystem(enumerate, "block"), "list block devices");
            ThrowIfNegative(UdevNative.udev_enumerate_scan_devices(enumerate), "list block devices");
            var found = new List<BlockDevice>();
            foreach (var entry in Entries(UdevNative.udev_enumerate_get_list_entry(enumerate)))
            {
                // Null for one that has gone since it was listed: its event is on the way.
                var device = UdevNative.udev_device_new_from_syspath(udev, UdevNative.udev_list_entry_get_name(entry));
                if (device == 0)
                    continue;
                try
                {
                    if (Read(device, needsDaemon) is { } read)
                        found.Add(read);
                }
                finally
                {
                    UdevNative.udev_device_unref(device);
                }
            }
            return found;
        }
        finally
        {
            UdevNative.udev_enumerate_unref(enumerate);
        }
    }

    public static DeviceException Failure(string what, int error) => new($"Cannot {what}: {new Win32Exception(error).Message}");

    /// <summary>libudev answers a negative errno.</summary>
    /// <exception cref="DeviceException">It did.</exception>
    public static void ThrowIfNegative(int result, string what)
    {
        if (result < 0)
            throw Failure(what, -result);
    }

    private static BlockDevice? Read(nint device, bool needsDaemon)
    {
        if (needsDaemon && UdevNative.udev_device_get_is_initialized(device) <= 0)
            return null;
        var path = UdevNative.Text(UdevNative.udev_device_get_devpath(device));
        var directory = UdevNative.Text(UdevNative.udev_device_get_syspath(device));
        if (path is null || directory is null)
            return null;
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in Entries(UdevNative.udev_device_get_properties_list_entry(device)))
        {
            if (UdevNative.Text(UdevNative.udev_list_entry_get_name(entry)) is { } name)
                properties[name] = UdevNative.Text(UdevNative.udev_list_entry_get_value(entry)) ?? "";
        }
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in BlockDevice.Read)
        {
            if (UdevNative.Text(UdevNative.udev_device_get_sysattr_value(device, name)) is { } value)
                attributes[name] = value.Trim();
        }
        return new BlockDevice
        {
            DevicePath = path,
            Properties = properties,
            Attributes = attributes,
            MadeOf = MadeOf(directory),
        };
    }

    private static IEnumerable<nint> Entries(nint first)
    {
        for (var entry = first; entry != 0; entry = UdevNative.udev_list_entry_get_next(entry))
            yield return entry;
    }

    private static string[] MadeOf(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(Path.Combine(directory, "slaves"))
                .Select(path => Path.GetFileName(path)!)
                .Order(StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException)
        {
            // Partitions have none, and neither has a device that has just gone.
            return [];
        }
    }
}
