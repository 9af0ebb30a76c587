using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Metadata.Seeds;
using PonyCloud.Twilight.Metadata.Serving;
using PonyCloud.Twilight.Networks.Namespaces;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Metadata;

/// <summary>The settings of this room, and how it is put together.</summary>
internal static class MetadataSetup
{
    private const string SeedDirectory = "metadata:seed_directory";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(SeedDirectory, ConfigurationKind.Text, "Directory in memory, for the cloud-init disks of instances that reach no metadata service. The host has one of its own in it.")
        {
            Default = "/run/twilight-seeds",
            Check = value => Path.IsPathFullyQualified((string)value) ? null : "must be an absolute path",
        },
    ];

    public static void AddMetadata(this IServiceCollection services, Guid host, ConfigurationValues values)
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<MetadataRows>(provider, host));
        services.AddSingleton<IHostReporter>(provider => provider.GetRequiredService<MetadataRows>());
        services.AddSingleton(new SeedOptions { Directory = Path.Combine(values.Text(SeedDirectory), host.ToString()) });
        services.AddSingleton<SeedDisks>();
        services.AddSingleton<IInstancePreparation>(provider => provider.GetRequiredService<SeedDisks>());
        services.AddSingleton<GuestDoors>();
        services.AddSingleton(new NamespaceSockets());
        services.AddSingleton<ISwitchServices, MetadataServices>();
        services.AddHostedService<MetadataServer>();
    }
}
