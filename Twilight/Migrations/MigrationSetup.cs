using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Migrations;

/// <summary>The settings of this room, and its services.</summary>
internal static class MigrationSetup
{
    private const string Directory = "migrations:directory";
    private const string Root = "migrations:root";
    private const string HypervisorSocket = "migrations:hypervisor_socket";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(Directory, ConfigurationKind.Text, "Directory where libvirt, QEMU and Twilight meet while instances move; the same on each host.")
        {
            Default = "/run/twilight/migration", Check = TwilightConfiguration.AbsolutePath,
        },
        new(Root, ConfigurationKind.Text, "The root directory of libvirt, where it is not Twilight's own.") { Check = TwilightConfiguration.AbsolutePath },
        new(HypervisorSocket, ConfigurationKind.Text, "The socket of libvirt, for instances that come in; that of hypervisor:uri unless set.")
        {
            Check = TwilightConfiguration.AbsolutePath,
        },
    ];

    public static IServiceCollection AddMigrations(this IServiceCollection services, Guid host, string hypervisorUri, ConfigurationValues values)
    {
        services.AddSingleton(new MigrationOptions
        {
            Directory = values.Text(Directory),
            Root = values.TextOrNull(Root) ?? "",
            HypervisorSocket = values.TextOrNull(HypervisorSocket) ?? SocketOf(hypervisorUri),
        });
        services.AddSingleton<IMigrationDoors, HostDoors>();
        services.AddSingleton(provider => new MigrationConsoles(
            provider.GetRequiredService<DomainOptions>(), provider.GetRequiredService<ConsoleLogs>(),
            provider.GetRequiredService<MigrationOptions>(), provider.GetRequiredService<ILogger<MigrationConsoles>>()));
        services.AddSingleton(provider => new InstanceMigrations(
            host, provider.GetRequiredService<MigrationOptions>(), provider.GetRequiredService<IHypervisor>(),
            provider.GetRequiredService<IMigrationDoors>(), provider.GetRequiredService<MigrationConsoles>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<InstanceMigrations>>()));
        services.AddSingleton<IInstanceMigrations>(provider => provider.GetRequiredService<InstanceMigrations>());
        services.AddSingleton<IHostRoute>(provider => new MigrationRoute(
            provider.GetRequiredService<InstanceMigrations>().Arrivals, provider.GetRequiredService<InstanceMigrations>().Readers,
            provider.GetRequiredService<IVolumeReading>(), provider.GetServices<IInstancePreparation>(),
            provider.GetRequiredService<MigrationConsoles>(), provider.GetRequiredService<MigrationOptions>(),
            provider.GetRequiredService<ILogger<MigrationRoute>>()));
        return services;
    }

    /// <summary>The socket that a libvirt connection goes to; libvirt's own where it names none.</summary>
    internal static string SocketOf(string uri)
    {
        const string Parameter = "socket=";
        return uri.Split('?', 2) is [_, var query]
            && query.Split('&').FirstOrDefault(part => part.StartsWith(Parameter, StringComparison.Ordinal)) is { } socket
                ? Uri.UnescapeDataString(socket[Parameter.Length..])
                : "/run/libvirt/libvirt-sock";
    }
}
