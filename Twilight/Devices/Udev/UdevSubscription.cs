using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Devices.Udev;

/// <summary>Events of block devices from one sender. Used by the monitor's thread only.</summary>
internal sealed class UdevSubscription : IDisposable
{
    /// <summary>What the kernel says, at once.</summary>
    public const string Kernel = "kernel";

    /// <summary>What a udev daemon says when it is done with a device.</summary>
    public const string Daemon = "udev";

    // Whoever sends without end must not keep the thread from its other work.
    private const int EventsAtOnce = 1024;

    private nint _monitor;

    /// <param name="bufferBytes">What may wait unread before events are lost.</param>
    /// <exception cref="DeviceException">There is no such sender to listen to.</exception>
    public UdevSubscription(nint udev, string sender, int bufferBytes)
    {
        _monitor = UdevNative.udev_monitor_new_from_netlink(udev, sender);
        if (_monitor == 0)
            throw UdevDevices.Failure($"listen to {sender}", Marshal.GetLastPInvokeError());
        try
        {
            UdevDevices.ThrowIfNegative(
                UdevNative.udev_monitor_filter_add_match_subsystem_devtype(_monitor, "block", "disk"), "filter events");
            UdevDevices.ThrowIfNegative(UdevNative.udev_monitor_set_receive_buffer_size(_monitor, bufferBytes), "set the buffer for events");
            UdevDevices.ThrowIfNegative(UdevNative.udev_monitor_enable_receiving(_monitor), $"listen to {sender}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>For poll.</summary>
    public int File => UdevNative.udev_monitor_get_fd(_monitor);

    /// <summary>Takes the events that wait; they only say that something happened. Null for none.</summary>
    /// <exception cref="DeviceException">The sender cannot be listened to any more.</exception>
    public DeviceEvent? Drain()
    {
        DeviceEvent? happened = null;
        for (var i = 0; i < EventsAtOnce; i++)
        {
            var device = UdevNative.udev_monitor_receive_device(_monitor);
            var error = Marshal.GetLastPInvokeError();
            if (device != 0)
            {
                UdevNative.udev_device_unref(device);
                happened ??= DeviceEvent.Changed; // Lost stays lost.
                continue;
            }
            switch (error)
            {
                case UdevNative.NoBufferSpace:
                    happened = DeviceEvent.Lost;
                    break;
                case UdevNative.Interrupted:
                    break;
                case 0 or UdevNative.TryAgain:
                    return happened;
                default:
                    throw UdevDevices.Failure("receive an event", error);
            }
        }
        return happened;
    }

    public void Dispose()
    {
        if (_monitor != 0)
            UdevNative.udev_monitor_unref(_monitor);
        _monitor = 0;
    }
}
