using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Control;

/// <summary>The room's one line in the program.</summary>
public static class ControlRegistration
{
    /// <summary>Adds the control loop. Every <see cref="IControlFeature"/> among the services takes part, in the order of registration.</summary>
    public static IServiceCollection AddControl(this IServiceCollection services, ControlOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<Func<IEnumerable<IControlFeature>>>(provider => provider.GetServices<IControlFeature>);
        services.AddSingleton<ControlLoop>();
        services.AddSingleton<IStateView>(provider => provider.GetRequiredService<ControlLoop>());
        services.AddSingleton<IDatabaseSink>(provider => provider.GetRequiredService<ControlLoop>());
        services.AddSingleton<IControlQueue>(provider => provider.GetRequiredService<ControlLoop>());
        services.AddSingleton<IOrderOverlay>(provider => provider.GetRequiredService<ControlLoop>());
        services.AddHostedService(provider => provider.GetRequiredService<ControlLoop>());
        return services;
    }
}
