using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Networks;

/// <summary>
/// The reverse zone of a network. The checks, and their order, are those of a read of the network's addresses, since that is what the
/// zone shows: everybody reads the networks of shared switches, and nobody but operators who has which address there.
/// </summary>
internal sealed class ZoneEndpoint(
    ApiEndpoint api, ResourceTree tree, Authenticator authenticator, NetworkRows rows, ReverseZone zone, TimeProvider time)
{
    public const string SharedPath = ApiEndpoint.Root + "/switch/{switch}/network/{network}/zone";
    public const string TenantPath = ApiEndpoint.Root + "/tenant/{tenant}/switch/{switch}/network/{network}/zone";

    /// <summary>That of master files (RFC 4027).</summary>
    public const string MediaType = "text/dns";

    private const string Allow = "GET, HEAD, OPTIONS";

    public async Task HandleAsync(HttpContext context)
    {
        var snapshot = api.RequireSnapshot();
        api.TellDatabase(context);
        var caller = await authenticator.RequireCallerAsync(context.Request, snapshot);
        var values = context.Request.RouteValues;
        var above = values["tenant"] is { } tenant ? $"tenant/{tenant}/" : "";
        var addresses = tree.Parse($"{above}switch/{values["switch"]}/network/{values["network"]}/address")
            ?? throw new ProblemException(ProblemKind.NotFound, "There is nothing at this path.");
        if (context.Request.QueryString.HasValue)
            ReadQuery.RefuseUnknown([.. context.Request.Query.Keys]);
        if (ApiEndpoint.AnswerAllow(context, Allow))
            return;
        api.Require(context, caller, addresses, Operation.Read);
        if (!addresses.TryFind(snapshot, out _)
            || snapshot[rows.Network].Find(RowKey.Of(addresses.ParentKey!))?.Desired is not NetworkDesired network)
            throw ApiEndpoint.NoSuchRow();
        context.Response.ContentType = MediaType;
        // Seconds fit into a serial until 2106, and then go on from 0, as serials do (RFC 1982).
        await context.Response.WriteAsync(zone.Write(snapshot, network, (uint)time.GetUtcNow().ToUnixTimeSeconds()), context.RequestAborted);
    }
}

/// <summary>Puts reverse zones into the API.</summary>
public static class ZoneRegistration
{
    public static IServiceCollection AddZones(this IServiceCollection services)
    {
        services.TryAddSingleton<NetworkRows>();
        services.AddSingleton<ReverseZone>();
        services.AddSingleton<ZoneEndpoint>();
        return services;
    }

    /// <param name="guard">Turns whatever goes wrong into a problem document.</param>
    public static void MapZones(this IEndpointRouteBuilder routes, Func<HttpContext, Func<HttpContext, Task>, Task> guard)
    {
        var endpoint = routes.ServiceProvider.GetRequiredService<ZoneEndpoint>();
        foreach (var path in (string[])[ZoneEndpoint.SharedPath, ZoneEndpoint.TenantPath])
            routes.Map(path, context => guard(context, endpoint.HandleAsync));
    }
}
