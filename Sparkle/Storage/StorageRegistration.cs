using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Storage;

/// <summary>The room's one line in the program.</summary>
public static class StorageRegistration
{
    /// <summary>Adds the places of volumes, what is left of deleted ones, the stewards of pools, and what is shown of all of them.</summary>
    public static IServiceCollection AddStorage(this IServiceCollection services)
    {
        services.AddSingleton<StorageRows>();
        services.AddSingleton(provider => new VolumePlaces(provider.GetRequiredService<StorageRows>(), Guid.NewGuid));
        services.AddSingleton<VolumeOrders>();
        services.AddSingleton<TombstoneOrders>();
        services.AddSingleton<Stewards>();
        services.AddSingleton<IControlFeature>(provider => new StorageDesk(
            [
                // What is done frees what others wait for.
                provider.GetRequiredService<VolumeOrders>(), provider.GetRequiredService<TombstoneOrders>(),
                provider.GetRequiredService<Stewards>(), provider.GetRequiredService<VolumePlaces>(),
            ],
            provider.GetRequiredService<IDesiredStateWriter>(),
            provider.GetRequiredService<IControlQueue>(),
            provider.GetRequiredService<IStateView>(),
            provider.GetRequiredService<ILogger<StorageDesk>>()));
        services.AddSingleton<IControlFeature, VolumeView>();
        services.AddSingleton<IControlFeature, ImageView>();
        services.AddSingleton<IControlFeature, SnapshotView>();
        services.AddSingleton<IControlFeature, PoolView>();
        services.AddSingleton<IControlFeature, OrphanView>();
        services.AddSingleton<IControlFeature, StorageEvents>();
        return services;
    }
}
