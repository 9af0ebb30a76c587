using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record RouteDesired
{
    public required Guid Uuid { get; init; }

    [References("network")]
    [Immutable]
    public required Guid Network { get; init; }

    [Description("Where it leads.")]
    [Network]
    public required string Route { get; init; }

    [Description("The hop, an address in the range of the network.")]
    [Address]
    public required string Via { get; init; }
}

public sealed class RouteDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("route", "Where guests of a network send what is for another network.")
        .KeyedByNewUuid()
        .Stored<RouteDesired>()
        .Index("network")
        .SentToHost(new HostScope.RefersTo("network"))
        .Mount("/switch/network/route", Access.Shared)
        .Mount("/tenant/switch/network/route", Access.TenantUser)
        .Build();
}
