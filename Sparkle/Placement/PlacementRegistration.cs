using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Placement;

/// <summary>The room's one line in the program.</summary>
public static class PlacementRegistration
{
    /// <summary>Adds the scheduler, the scopes of hosts and the view of instances.</summary>
    public static IServiceCollection AddPlacement(this IServiceCollection services)
    {
        services.AddSingleton<ScopeResolver>();
        services.AddSingleton<Scheduler>();
        services.AddSingleton<IControlFeature>(provider => provider.GetRequiredService<Scheduler>());
        services.AddSingleton<IControlFeature, InstanceView>();
        return services;
    }
}
