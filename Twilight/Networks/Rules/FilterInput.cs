using System.Collections.Immutable;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>What the packet filter is made from: the switches that this host carries, and the cards on it.</summary>
public sealed record FilterInput
{
    public IReadOnlyList<FilterSwitch> Switches { get; init; } = [];

    public IReadOnlyList<FilterCard> Cards { get; init; } = [];

    /// <summary>Those that cards of this host are in.</summary>
    public IReadOnlyList<FilterGroup> Groups { get; init; } = [];

    /// <summary>Cards on any host that are in groups which rules of <see cref="Groups"/> refer to. More do no harm.</summary>
    public IReadOnlyList<FilterMember> Members { get; init; } = [];

    /// <summary>See <see cref="FilterAbilities"/>.</summary>
    public bool TracksConnections { get; init; } = true;
}

/// <param name="Bridge">The name of its bridge on this host.</param>
/// <param name="Service">The bridge's end of the cable to what serves it; null where nothing does.</param>
/// <param name="Outside">The port to other hosts; null while there is none.</param>
/// <param name="IsVxlan">Whether behind <paramref name="Outside"/> are hosts of the platform only.</param>
/// <param name="HasNetworks">Whether addresses are given on it, and no others pass.</param>
/// <param name="Tags">The VLANs of its networks.</param>
public sealed record FilterSwitch(
    string Bridge, string? Service, string? Outside, bool IsVxlan, bool HasNetworks, ImmutableSortedSet<int> Tags);

/// <summary>A card on this host.</summary>
public sealed record FilterCard
{
    public required Guid Vnic { get; init; }

    /// <summary>The name of its tap, whether that is there or not.</summary>
    public required string Tap { get; init; }

    /// <summary>Of a switch in <see cref="FilterInput.Switches"/>.</summary>
    public required string Bridge { get; init; }

    public required string HardwareAddress { get; init; }

    public IReadOnlyList<FilterAddress> Addresses { get; init; } = [];

    /// <summary>Whether the cable is plugged in; otherwise nothing passes either way.</summary>
    public bool IsUp { get; init; } = true;

    public IReadOnlyList<Guid> Groups { get; init; } = [];

    /// <summary>What the guest receives at most, Mbit/s.</summary>
    public int? InMbit { get; init; }

    /// <summary>What the guest sends at most, Mbit/s.</summary>
    public int? OutMbit { get; init; }
}

/// <param name="Address">IPv4 or IPv6, in the form of <see cref="NetworkText"/>.</param>
/// <param name="Tag">The VLAN of its network; null for what is untagged.</param>
public sealed record FilterAddress(string Address, int? Tag = null);

public sealed record FilterGroup(Guid Group, IReadOnlyList<SecurityRuleDesired> Rules);

/// <summary>A card on any host that is in a group.</summary>
/// <param name="Bridge">The bridge that its switch has on this host.</param>
public sealed record FilterMember(Guid Group, string Bridge, string HardwareAddress, IReadOnlyList<string> Addresses);
