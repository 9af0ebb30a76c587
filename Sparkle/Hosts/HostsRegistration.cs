using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Replication;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>The room's one line in the program.</summary>
public static class HostsRegistration
{
    /// <summary>Adds the sessions with Twilights.</summary>
    public static IServiceCollection AddHosts(this IServiceCollection services)
    {
        services.AddSingleton<IEntropy, SystemEntropy>();
        services.AddSingleton<HostAdmission>();
        services.AddSingleton<EnrolmentDesk>();
        services.AddSingleton<HostDoor>();
        services.AddSingleton<IControlFeature>(provider => provider.GetRequiredService<HostDoor>());
        services.AddSingleton<HostRegistry>();
        services.AddSingleton<IControlFeature>(provider => provider.GetRequiredService<HostRegistry>());
        return services;
    }
}
