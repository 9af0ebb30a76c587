using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Network;

namespace PonyCloud.EndToEnd.Tests.Platform;

/// <summary>In what a platform differs from others.</summary>
public sealed record PlatformSettings
{
    /// <summary>What guests do when they are asked to shut down.</summary>
    public PowerButton Button { get; init; } = PowerButton.PowersOff;

    /// <summary>Seconds between keep-alives, of both daemons; three of them missed are too many.</summary>
    public string KeepAlive { get; init; } = "2";

    /// <summary>Where Sparkle runs; where the test does when absent.</summary>
    public NetworkNamespace? SparkleNetwork { get; init; }

    /// <summary>Where Twilight runs at first; where the test does when absent.</summary>
    public NetworkNamespace? TwilightNetwork { get; init; }

    /// <summary>Where Sparkle listens for hosts.</summary>
    public string SparkleAddress { get; init; } = "127.0.0.1";

    /// <summary>What guests boot without a disk: Debian's kernel with this command line; null for a ROM that only says that it is up.</summary>
    public string? KernelCommandLine { get; init; }

    /// <summary>Whether the host counts loop devices among its disks.</summary>
    public bool HasLoopDevices { get; init; }
}
