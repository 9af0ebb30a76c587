using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Devices.Udev;

/// <summary>
/// A context of libudev with its subscriptions. The kernel is listened to from the beginning; a udev daemon from when one
/// is there. Used by the monitor's thread only.
/// </summary>
internal sealed class UdevContext : IDisposable
{
    private readonly UdevOptions _options;
    private readonly nint _udev;
    private readonly UdevSubscription _kernel;
    private UdevSubscription? _daemon;

    /// <exception cref="DeviceException">The kernel cannot be listened to.</exception>
    public UdevContext(UdevOptions options)
    {
        _options = options;
        _udev = UdevNative.udev_new();
        if (_udev == 0)
            throw UdevDevices.Failure("use libudev", Marshal.GetLastPInvokeError());
        try
        {
            _kernel = new UdevSubscription(_udev, UdevSubscription.Kernel, options.BufferBytes);
        }
        catch
        {
            UdevNative.udev_unref(_udev);
            throw;
        }
    }

    public IEnumerable<UdevSubscription> Subscriptions => _daemon is null ? [_kernel] : [_kernel, _daemon];

    /// <summary>All devices that are ready, as of now. What happens later comes as an event.</summary>
    /// <exception cref="DeviceException">They cannot be looked at.</exception>
    public List<BlockDevice> Scan()
    {
        var hasDaemon = File.Exists(_options.DaemonSocket);
        if (hasDaemon)
            _daemon ??= new UdevSubscription(_udev, UdevSubscription.Daemon, _options.BufferBytes);
        return UdevDevices.Scan(_udev, hasDaemon);
    }

    public void Dispose()
    {
        _daemon?.Dispose();
        _kernel.Dispose();
        UdevNative.udev_unref(_udev);
    }
}
