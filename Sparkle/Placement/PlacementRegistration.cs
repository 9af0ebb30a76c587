using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Sparkle.Placement;

/// <summary>The room's one line in the program.</summary>
public static class PlacementRegistration
{
    /// <summary>Adds the scheduler, the scopes of hosts, the view of instances and the extents of shared disks.</summary>
    public static IServiceCollection AddPlacement(this IServiceCollection services)
    {
        services.AddSingleton<ScopeResolver>();
        services.AddSingleton<Scheduler>();
        services.AddSingleton<IControlFeature>(provider => provider.GetRequiredService<Scheduler>());
        services.AddSingleton<IControlFeature, InstanceView>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<ExtentPlacement>(provider, new Func<Guid>(Guid.NewGuid)));
        services.AddSingleton<IControlFeature>(provider => provider.GetRequiredService<ExtentPlacement>());
        return services;
    }
}
