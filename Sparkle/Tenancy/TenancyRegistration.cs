using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Tenancy;

/// <summary>The room's one line in the program.</summary>
public static class TenancyRegistration
{
    /// <summary>Adds the view of what quotas are used up to.</summary>
    public static IServiceCollection AddTenancy(this IServiceCollection services)
    {
        services.AddSingleton<IControlFeature, QuotaUsage>();
        return services;
    }
}
