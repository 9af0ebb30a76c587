using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Twilight.Metadata.Serving;
using PonyCloud.Twilight.Networks.Namespaces;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Metadata;

/// <summary>How this room is put together.</summary>
internal static class MetadataSetup
{
    public static void AddMetadata(this IServiceCollection services, Guid host)
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<MetadataRows>(provider, host));
        services.AddSingleton<IHostReporter>(provider => provider.GetRequiredService<MetadataRows>());
        services.AddSingleton<GuestDoors>();
        services.AddSingleton(new NamespaceSockets());
        services.AddSingleton<ISwitchServices, MetadataServices>();
        services.AddHostedService<MetadataServer>();
    }
}
