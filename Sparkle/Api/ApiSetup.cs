using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Description;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Metrics;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Api.Tls;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.Sparkle.Api.Writing;
using PonyCloud.Sparkle.Consoles;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Networks;
using PonyCloud.Sparkle.Transfers;

namespace PonyCloud.Sparkle.Api;

/// <summary>Puts the API into the host.</summary>
public static class ApiSetup
{
    /// <summary>
    /// Adds the API's services, and makes Kestrel listen where the options say. Needs an <see cref="EntityCatalog"/>, an
    /// <c>IStateView</c>, an <c>IDesiredStateWriter</c> and an <c>IRequestLedger</c> among the services.
    /// </summary>
    /// <exception cref="ArgumentException">An option is not valid; the message names it.</exception>
    public static IServiceCollection AddApi(this IServiceCollection services, ApiOptions options)
    {
        foreach (var (option, problem) in options.Check())
            throw new ArgumentException($"{option}: {problem}", nameof(options));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<ResourceTree>();
        services.AddSingleton<AccessPolicy>();
        services.AddSingleton<JsonBuffers>();
        services.AddSingleton<ProblemWriter>();
        services.AddSingleton<UserDirectory>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<Authenticator>();
        services.AddSingleton<RowParts>();
        services.AddSingleton<RowReader>();
        services.AddSingleton<TreeReader>();
        services.AddSingleton<LetGoOrders>();
        services.AddSingleton<WriteTransaction>();
        services.AddSingleton<Revisions>();
        services.AddSingleton<PasswordReader>();
        services.AddSingleton<RowWriter>();
        services.AddSingleton<RequestReader>();
        services.AddSingleton(_ => new IdempotencyKeys(TokenKey.LoadOrCreate(options.DataDirectory)));
        services.AddSingleton<TokenEndpoint>();
        services.AddSingleton<SelfEndpoint>();
        services.AddSingleton<DescriptionEndpoint>();
        services.AddMetrics();
        services.AddSingleton<PlatformMetrics>();
        services.AddSingleton<MetricsCollector>();
        services.AddHostedService(provider => provider.GetRequiredService<MetricsCollector>());
        services.AddSingleton<InstanceMetrics>();
        services.AddSingleton<MetricsEndpoint>();
        services.AddSingleton<ApiEndpoint>();
        services.AddSingleton(provider => new LoginGate(provider.GetRequiredService<Passwords>(), options.LoginFailures, options.LoginWindow));
        services.AddSingleton(provider => new TokenService(
            TokenKey.LoadOrCreate(options.DataDirectory),
            options.TokenLifetime,
            provider.GetRequiredService<UserDirectory>(),
            provider.GetRequiredService<Revocations>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<Revocations>();
        services.AddSingleton<AuditLog>();
        services.AddHostedService<RevocationKeeper>();
        services.AddSingleton<WatchHub>();
        services.AddSingleton<IControlFeature>(provider => provider.GetRequiredService<WatchHub>());
        services.AddHostedService(provider => provider.GetRequiredService<WatchHub>());
        services.AddSingleton<WatchEndpoint>();
        services.AddTransfers();
        services.AddZones();
        services.AddConsoles();
        services.AddHostedService<FirstAlicorn>();
        services.AddSingleton(_ => new AnonymousGate(options.AnonymousPerSecond));
        services.AddSingleton<IStartupFilter, TrustedProxies>();
        if (options.Certificate() is { } certificate)
        {
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<ServerCertificate>(provider, certificate));
            services.AddHostedService(provider => provider.GetRequiredService<ServerCertificate>());
        }
        services.Configure<KestrelServerOptions>(kestrel => Listening.Configure(kestrel, options));
        return services;
    }

    private static RequestDelegate Watch(IEndpointRouteBuilder routes, ApiEndpoint api)
    {
        var watch = routes.ServiceProvider.GetRequiredService<WatchEndpoint>();
        var pipeline = routes.CreateApplicationBuilder().UseWebSockets();
        pipeline.Run(context => api.GuardAsync(context, watch.HandleAsync));
        return pipeline.Build();
    }

    /// <summary>Maps every path: the API's, <c>/self</c>, and a problem for all others.</summary>
    public static IEndpointRouteBuilder MapApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.ServiceProvider.GetRequiredService<ApiEndpoint>();
        var self = routes.ServiceProvider.GetRequiredService<SelfEndpoint>();
        var description = routes.ServiceProvider.GetRequiredService<DescriptionEndpoint>();
        routes.Map(ApiEndpoint.Root + "/{**path}", api.HandleAsync);
        routes.Map(DescriptionEndpoint.SchemaPath, context => api.GuardAnonymousAsync(context, description.SchemaAsync));
        routes.Map(DescriptionEndpoint.OpenApiPath, context => api.GuardAnonymousAsync(context, description.OpenApiAsync));
        var metrics = routes.ServiceProvider.GetRequiredService<MetricsEndpoint>();
        routes.Map(MetricsEndpoint.Path, context => api.GuardAnonymousAsync(context, metrics.HandleAsync));
        routes.Map(WatchEndpoint.Path, Watch(routes, api));
        routes.MapTransfers(api.GuardAsync);
        routes.MapZones(api.GuardAsync);
        routes.MapConsoles(api.GuardAsync, api.GuardAnonymousAsync);
        MapSelf("ping", self.PingAsync);
        MapSelf("info", self.InfoAsync);
        MapSelf("liveliness", self.LivelinessAsync);
        MapSelf("readiness", self.ReadinessAsync);
        MapSelf("started", self.StartedAsync);
        routes.MapFallback("{**path}", context => api.GuardAsync(context, static _ =>
            throw new ProblemException(ProblemKind.NotFound, "There is nothing at this path.")));
        return routes;

        void MapSelf(string name, Func<HttpContext, Task> handler)
        {
            routes.Map($"/self/{name}", context => api.GuardAnonymousAsync(context, inner =>
            {
                ApiEndpoint.RequireGet(inner);
                return handler(inner);
            }));
        }
    }
}
