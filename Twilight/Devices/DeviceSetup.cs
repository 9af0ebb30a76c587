using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Devices.Health;
using PonyCloud.Twilight.Devices.Udev;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Devices;

/// <summary>Settings of this room, and how it is put together.</summary>
internal static class DeviceSetup
{
    private const string LoopDevices = "devices:loop";
    private const string HealthInterval = "devices:health_interval";

    // Disks that retry a bad sector take many seconds to say anything.
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromSeconds(60);

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(LoopDevices, ConfigurationKind.Boolean, "Whether loop devices count as disks; for tests.") { Default = "false" },
        new(HealthInterval, ConfigurationKind.Duration, "How often a disk is asked for its health.")
        {
            Default = "3600", Minimum = 60, Maximum = 604_800,
        },
    ];

    public static void AddDevices(this IServiceCollection services, Guid host, ConfigurationValues values)
    {
        services.AddSingleton(new UdevOptions());
        services.AddSingleton<IDeviceMonitor, UdevDeviceMonitor>();
        services.AddSingleton<IHealthProbe>(provider => new SmartctlProbe(provider.GetRequiredService<IToolRunner>(), HealthTimeout));
        services.AddSingleton(new DiskReporterOptions
        {
            Host = host,
            AdmitsLoop = values.Boolean(LoopDevices),
            Health = new HealthOptions { Interval = values.Duration(HealthInterval) },
        });
        services.AddSingleton<IHostReporter, DiskReporter>();
    }
}
