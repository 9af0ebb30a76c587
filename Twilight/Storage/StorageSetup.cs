using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Storage.Gluster;
using PonyCloud.Twilight.Storage.Guests;
using PonyCloud.Twilight.Storage.Iscsi;
using PonyCloud.Twilight.Storage.Logical;
using PonyCloud.Twilight.Storage.Mounts;
using PonyCloud.Twilight.Storage.Pools;
using PonyCloud.Twilight.Storage.Rbd;
using PonyCloud.Twilight.Storage.SharedLvm;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Storage.Transfers.Qemu;
using PonyCloud.Twilight.Storage.Working;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage;

/// <summary>The settings of this room, and how it is put together.</summary>
internal static class StorageSetup
{
    private const string StagingDirectory = "storage:staging_directory";
    private const string SecretDirectory = "storage:secret_directory";
    private const string ScanTimeout = "storage:scan_timeout";
    private const string Ledger = "done";
    private const string Sockets = "nbd";
    private const string Remotes = "remote";
    private const string Mounts = "mounts";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(StagingDirectory, ConfigurationKind.Text, "Directory on a disk of the host: images that are fetched, and copies that no pool keeps.")
        {
            Default = "/var/lib/twilight/storage",
            Check = value => Path.IsPathFullyQualified((string)value) ? null : "must be an absolute path",
        },
        new(SecretDirectory, ConfigurationKind.Text, "Directory in memory, for files with passwords and keys that tools and guests read. The host has one of its own in it.")
        {
            Default = "/run/twilight", Check = value => Path.IsPathFullyQualified((string)value) ? null : "must be an absolute path",
        },
        new(ScanTimeout, ConfigurationKind.Duration, "A storage pool that does not answer for so long is broken.")
        {
            Default = "20", Minimum = 1, Maximum = 600,
        },
    ];

    public static void AddStorage(this IServiceCollection services, Guid host, ConfigurationValues values)
    {
        var staging = values.Text(StagingDirectory);
        services.AddSingleton(new StorageReconcilerOptions
        {
            Host = host,
            StagingDirectory = staging,
            ScanLimit = values.Duration(ScanTimeout),
        });
        services.AddSingleton<IStorageHost, LibvirtStorage>();
        services.AddSingleton(new SecretFiles(Path.Combine(values.Text(SecretDirectory), host.ToString())));
        services.AddSingleton<IStoragePoolDriver, DirDriver>();
        services.AddSingleton<IStoragePoolDriver>(provider => ActivatorUtilities.CreateInstance<IscsiDriver>(provider, host));
        services.AddSingleton<IStoragePoolDriver, RbdDriver>();
        services.AddSingleton<IStoragePoolDriver, LogicalDriver>();
        services.AddSingleton<IStoragePoolDriver, SharedLvmDriver>();
        services.AddSingleton<IStoragePoolDriver>(provider => ActivatorUtilities.CreateInstance<NetfsDriver>(provider, Path.Combine(staging, Mounts)));
        services.AddSingleton<IStoragePoolDriver>(provider => new GlusterDriver(
            Path.Combine(staging, Mounts), GlusterDriver.UsualLogs, provider.GetRequiredService<IToolRunner>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IReadOnlyDictionary<StoragePoolType, IStoragePoolDriver>>(
            provider => provider.GetServices<IStoragePoolDriver>().ToDictionary(driver => driver.Type));
        services.AddSingleton<OpenPools>();
        services.AddSingleton<ProgressBoard>();
        services.AddSingleton<IVolumeCopier, VolumeCopier>();
        services.AddSingleton<ImageImport>();
        services.AddSingleton(new RemoteVolumesOptions
        {
            Directory = Path.Combine(staging, Remotes),
        });
        services.AddSingleton<RemoteVolumes>();
        services.AddSingleton<StorageWork>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<VolumeLedger>(provider, Path.Combine(staging, Ledger)));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<BlockNodeAccess>(provider, Path.Combine(staging, Sockets)));
        services.AddSingleton<KeptContents>();
        services.AddSingleton<IVolumeContents>(provider => provider.GetRequiredService<KeptContents>());
        services.AddSingleton<IVolumeReading>(provider => provider.GetRequiredService<KeptContents>());
        services.AddSingleton<GuestDisks>();
        services.AddSingleton<IInstanceDisks>(provider => provider.GetRequiredService<GuestDisks>());
        services.AddSingleton<GuestLeases>();
        services.AddSingleton<IHostReporter, StorageReconciler>();
    }
}
