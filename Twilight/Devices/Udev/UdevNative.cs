using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Devices.Udev;

/// <summary>
/// The part of libudev's C interface that is used here (libudev.h, 252), and poll(2). Pointers to libudev's objects are
/// plain numbers: all of them stay on the monitor's one thread.
/// </summary>
internal static unsafe partial class UdevNative
{
    public const short PollIn = 1;

    // errno of Linux.
    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int NoBufferSpace = 105;

    private const string Udev = "libudev.so.1";
    private const string C = "libc";

    [LibraryImport(Udev, SetLastError = true)]
    public static partial nint udev_new();

    [LibraryImport(Udev)]
    public static partial nint udev_unref(nint udev);

    [LibraryImport(Udev, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint udev_monitor_new_from_netlink(nint udev, string name);

    [LibraryImport(Udev)]
    public static partial nint udev_monitor_unref(nint monitor);

    [LibraryImport(Udev, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int udev_monitor_filter_add_match_subsystem_devtype(nint monitor, string subsystem, string? devtype);

    [LibraryImport(Udev)]
    public static partial int udev_monitor_set_receive_buffer_size(nint monitor, int size);

    [LibraryImport(Udev)]
    public static partial int udev_monitor_enable_receiving(nint monitor);

    [LibraryImport(Udev)]
    public static partial int udev_monitor_get_fd(nint monitor);

    [LibraryImport(Udev, SetLastError = true)]
    public static partial nint udev_monitor_receive_device(nint monitor);

    [LibraryImport(Udev, SetLastError = true)]
    public static partial nint udev_enumerate_new(nint udev);

    [LibraryImport(Udev)]
    public static partial nint udev_enumerate_unref(nint enumerate);

    [LibraryImport(Udev, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int udev_enumerate_add_match_subsystem(nint enumerate, string subsystem);

    [LibraryImport(Udev)]
    public static partial int udev_enumerate_scan_devices(nint enumerate);

    [LibraryImport(Udev)]
    public static partial nint udev_enumerate_get_list_entry(nint enumerate);

    [LibraryImport(Udev)]
    public static partial nint udev_list_entry_get_next(nint entry);

    [LibraryImport(Udev)]
    public static partial byte* udev_list_entry_get_name(nint entry);

    [LibraryImport(Udev)]
    public static partial byte* udev_list_entry_get_value(nint entry);

    [LibraryImport(Udev, SetLastError = true)]
    public static partial nint udev_device_new_from_syspath(nint udev, byte* path);

    [LibraryImport(Udev)]
    public static partial nint udev_device_unref(nint device);

    [LibraryImport(Udev)]
    public static partial byte* udev_device_get_devpath(nint device);

    [LibraryImport(Udev)]
    public static partial byte* udev_device_get_syspath(nint device);

    [LibraryImport(Udev)]
    public static partial int udev_device_get_is_initialized(nint device);

    [LibraryImport(Udev)]
    public static partial nint udev_device_get_properties_list_entry(nint device);

    [LibraryImport(Udev, StringMarshalling = StringMarshalling.Utf8)]
    public static partial byte* udev_device_get_sysattr_value(nint device, string attribute);

    [LibraryImport(C, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollItem* items, nuint count, int timeoutMilliseconds);

    public static string? Text(byte* text) => Marshal.PtrToStringUTF8((nint)text);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollItem
    {
        public int File;
        public short Events;
        public short Returned;
    }
}
