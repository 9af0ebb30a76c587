using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Networks;

/// <summary>The room's one line in the program.</summary>
public static class NetworksRegistration
{
    /// <summary>Adds the ports of switches, and what is shown of cards.</summary>
    public static IServiceCollection AddNetworks(this IServiceCollection services)
    {
        services.TryAddSingleton<NetworkRows>();
        services.AddSingleton<IControlFeature, SwitchPorts>();
        services.AddSingleton<IControlFeature, VnicView>();
        return services;
    }
}
