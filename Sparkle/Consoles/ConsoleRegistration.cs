using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>Puts consoles into the API.</summary>
public static class ConsoleRegistration
{
    public static IServiceCollection AddConsoles(this IServiceCollection services)
    {
        services.TryAddSingleton(new ConsoleOptions());
        services.AddSingleton<ConsoleSlots>();
        services.AddSingleton<ConsoleTickets>();
        services.AddSingleton<ConsoleHosts>();
        services.AddSingleton<ConsoleObstacles>();
        services.AddSingleton<ConsoleEndpoint>();
        services.AddSingleton<ConsoleLogEndpoint>();
        services.AddSingleton<ConsoleSocket>();
        return services;
    }

    /// <param name="guard">Turns whatever goes wrong into a problem document.</param>
    /// <param name="guardAnonymous">The same for what brings no token.</param>
    public static void MapConsoles(
        this IEndpointRouteBuilder routes,
        Func<HttpContext, Func<HttpContext, Task>, Task> guard,
        Func<HttpContext, Func<HttpContext, Task>, Task> guardAnonymous)
    {
        var tickets = routes.ServiceProvider.GetRequiredService<ConsoleEndpoint>();
        var logs = routes.ServiceProvider.GetRequiredService<ConsoleLogEndpoint>();
        var socket = routes.ServiceProvider.GetRequiredService<ConsoleSocket>();
        routes.Map(ConsoleEndpoint.Path, context => guard(context, tickets.HandleAsync));
        routes.Map(ConsoleLogEndpoint.Path, context => guard(context, logs.HandleAsync));
        var pipeline = routes.CreateApplicationBuilder().UseWebSockets();
        pipeline.Run(context => guardAnonymous(context, socket.HandleAsync));
        routes.Map(ConsoleSocket.Path, pipeline.Build());
    }
}
