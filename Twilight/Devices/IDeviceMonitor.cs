using System.Threading.Channels;

namespace PonyCloud.Twilight.Devices;

/// <summary>That something happened. What is, only a scan tells.</summary>
public enum DeviceEvent
{
    /// <summary>A block device came, changed or went.</summary>
    Changed,

    /// <summary>Events were lost, so anything may have happened.</summary>
    Lost,
}

/// <summary>The block devices of the machine.</summary>
/// <remarks>
/// It is subscribed before it is there to be scanned: what a scan did not see yet comes as an event after it. Safe for use
/// by several threads.
/// </remarks>
public interface IDeviceMonitor : IAsyncDisposable
{
    /// <summary>
    /// Reasons to scan. Bounded: more than a few unread ones say nothing new and are dropped. Completed when the monitor is
    /// disposed.
    /// </summary>
    ChannelReader<DeviceEvent> Events { get; }

    /// <summary>All block devices that are ready for use, in no order.</summary>
    /// <exception cref="DeviceException">They cannot be looked at.</exception>
    /// <exception cref="OperationCanceledException">Given up, or the monitor was disposed.</exception>
    Task<IReadOnlyList<BlockDevice>> ScanAsync(CancellationToken cancellationToken);
}

/// <summary>The devices of the machine cannot be looked at.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);
