using System.Collections.Immutable;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>What is to be answered on a switch: rows as the host has them.</summary>
public sealed record SwitchService
{
    public required Guid Switch { get; init; }

    /// <summary>This host: leases are given to cards that are on it, names to all of the switch.</summary>
    public required Guid Host { get; init; }

    /// <summary>The largest packet that the switch carries, which guests are told.</summary>
    public required int Mtu { get; init; }

    public ImmutableArray<NetworkDesired> Networks { get; init; } = [];

    public ImmutableArray<RouteDesired> Routes { get; init; } = [];

    public ImmutableArray<SwitchPortDesired> Ports { get; init; } = [];

    /// <summary>Addresses of the cards on this host: those with a <c>ptr</c> count.</summary>
    public ImmutableArray<AddressDesired> Addresses { get; init; } = [];

    /// <summary>By card: the name servers of an instance that has some of its own.</summary>
    public ImmutableDictionary<Guid, TextList> NameServers { get; init; } = ImmutableDictionary<Guid, TextList>.Empty;
}
