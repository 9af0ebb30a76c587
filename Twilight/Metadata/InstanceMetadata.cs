using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Metadata;

/// <summary>What an instance is told of itself. Nothing of it is the host's, or another instance's.</summary>
public sealed record InstanceMetadata
{
    public required Guid Uuid { get; init; }

    public required Guid? Tenant { get; init; }

    public required string Name { get; init; }

    public required string? UserData { get; init; }

    /// <summary>Each a line as in authorized_keys.</summary>
    public required ImmutableArray<string> SshKeys { get; init; }

    /// <summary>In the order of their places.</summary>
    public required ImmutableArray<CardMetadata> Cards { get; init; }

    /// <summary>It boots from a disk of its own, and not what the host hands to those without.</summary>
    public required bool HasDisk { get; init; }

    /// <summary>By which its neighbours find it, too.</summary>
    public string HostName => $"{Name.ToLowerInvariant()}.{DnsmasqWriter.Domain}";

    /// <summary>Keys by a name of each.</summary>
    public IEnumerable<(string Name, string Key)> NamedKeys => SshKeys.Select((key, number) => ($"key-{number}", key));

    /// <summary>All addresses of all cards, in order.</summary>
    public IEnumerable<(CardMetadata Card, CardAddress Address)> Addresses => Cards.SelectMany(card => card.Addresses, (card, address) => (card, address));

    /// <summary>
    /// Whether a fresh guest of it reaches the metadata service: only DHCP tells it an address with which it can ask.
    /// </summary>
    public bool ReachesService => Addresses.Any(one => one is { Card.IsUp: true, Address: { IsLeased: true, IsIpv6: false } });

    /// <summary>Whether it is to be told by a disk.</summary>
    public bool NeedsSeed => HasDisk && !ReachesService;

    /// <summary>
    /// Which address brings the default route of a version of IP: a leased one before others, since DHCP tells of it anyway. A guest
    /// that were told of two would take neither.
    /// </summary>
    public CardAddress? WayOut(bool isIpv6) => Addresses.Select(one => one.Address)
        .Where(address => address.IsIpv6 == isIpv6 && address.Network.Gateway is not null)
        .OrderByDescending(address => address.IsLeased).FirstOrDefault();
}

/// <summary>A card of the instance.</summary>
public sealed record CardMetadata
{
    public required Guid Vnic { get; init; }

    public required Guid Switch { get; init; }

    /// <summary>The place among the cards of the instance.</summary>
    public required int Index { get; init; }

    public required string HardwareAddress { get; init; }

    public required bool IsUp { get; init; }

    /// <summary>The largest packet that its switch carries here, bytes; null when that is not known.</summary>
    public int? Mtu { get; init; }

    public ImmutableArray<CardAddress> Addresses { get; init; } = [];

    /// <summary>By which it is reached from outside.</summary>
    public ImmutableArray<string> Floating { get; init; } = [];
}

/// <summary>An address of a card, in a network of its switch.</summary>
public sealed record CardAddress
{
    public required NetworkDesired Network { get; init; }

    public required IPAddress Address { get; init; }

    /// <summary>The guest gets it by DHCP, with all that is to be told of the network.</summary>
    public required bool IsLeased { get; init; }

    public ImmutableArray<RouteDesired> Routes { get; init; } = [];

    /// <summary>Of the version of the address.</summary>
    public ImmutableArray<string> NameServers { get; init; } = [];

    public bool IsIpv6 => Address.AddressFamily == AddressFamily.InterNetworkV6;

    public int PrefixLength => IPNetwork.Parse(Network.Range).PrefixLength;
}
