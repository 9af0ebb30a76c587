using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>Puts the transfers of contents into the API.</summary>
public static class TransferRegistration
{
    public static IServiceCollection AddTransfers(this IServiceCollection services)
    {
        services.TryAddSingleton(new TransferOptions());
        services.AddSingleton<TransferSlots>();
        services.AddSingleton<KeeperFinder>();
        services.AddSingleton<ContentTags>();
        services.AddSingleton<TransferWatch>();
        services.AddSingleton<TransferObstacles>();
        services.AddSingleton<UploadOrder>();
        services.AddSingleton<Download>();
        services.AddSingleton<Upload>();
        services.AddSingleton<ContentEndpoint>();
        // Tags first: what watches transfers asks for them.
        services.AddSingleton<IControlFeature>(provider => provider.GetRequiredService<ContentTags>());
        services.AddSingleton<IControlFeature>(provider => provider.GetRequiredService<TransferWatch>());
        return services;
    }

    /// <param name="guard">Turns whatever goes wrong into a problem document.</param>
    public static void MapTransfers(this IEndpointRouteBuilder routes, Func<HttpContext, Func<HttpContext, Task>, Task> guard)
    {
        var endpoint = routes.ServiceProvider.GetRequiredService<ContentEndpoint>();
        routes.Map(ContentEndpoint.Path, context => guard(context, endpoint.HandleAsync));
    }
}
