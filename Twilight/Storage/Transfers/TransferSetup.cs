using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Http;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>The settings of this room, and its services.</summary>
internal static class TransferSetup
{
    private const string Max = "transfers:max";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(Max, ConfigurationKind.Integer, "Transfers at once.") { Default = "8", Minimum = 1, Maximum = 128 },
    ];

    /// <summary>Adds the <see cref="VolumeRoute"/>; the host's <see cref="IVolumeContents"/> must be there.</summary>
    public static IServiceCollection AddTransfers(this IServiceCollection services, ConfigurationValues values)
    {
        services.AddSingleton(new TransferOptions { TransfersMax = (int)values.Integer(Max) });
        services.AddSingleton<IHostRoute, VolumeRoute>();
        return services;
    }
}
