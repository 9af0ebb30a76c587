using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Consoles;

/// <summary>The settings of this room, and its services.</summary>
internal static class ConsoleSetup
{
    private const string LogKept = "console:log_kept";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(LogKept, ConfigurationKind.Integer, "So much is kept of what an instance writes to its serial console, in KiB.")
        {
            Default = "1024", Minimum = 64, Maximum = 1 << 20,
        },
    ];

    public static void AddConsoles(this IServiceCollection services, ConfigurationValues values)
    {
        services.AddSingleton(new ConsoleOptions { LogKept = values.Integer(LogKept) * 1024 });
        services.AddSingleton<ConsoleLogs>();
        services.AddSingleton<ConsoleLogKeeper>();
        services.AddSingleton<IInstancePreparation>(provider => provider.GetRequiredService<ConsoleLogKeeper>());
        services.AddHostedService(provider => provider.GetRequiredService<ConsoleLogKeeper>());
        services.AddSingleton<SerialPorts>();
        services.AddSingleton<IHostRoute, ConsoleRoute>();
    }
}
