using System.Collections.Immutable;

namespace PonyCloud.Twilight.Networks.Model;

/// <summary>
/// The network of a host as data: what the kernel has, or what it is to have. The plan is the difference of two of these.
/// </summary>
/// <remarks>
/// In what is wanted, a property that is null is nobody's business, and stays as it is. What is wanted of a link that is not the
/// platform's own (a card) is the link and what is marked as made by the platform on it; whatever else there is on it stays.
/// </remarks>
public sealed record NetworkState
{
    /// <summary>The name of the namespace that the host itself is in.</summary>
    public const string Host = "";

    public static NetworkState Empty { get; } = new();

    /// <summary>By name; the host's own is always there.</summary>
    public ImmutableSortedDictionary<string, NamespaceState> Namespaces { get; init; } =
        ImmutableSortedDictionary.Create<string, NamespaceState>(StringComparer.Ordinal).Add(Host, new NamespaceState());

    public NamespaceState this[string name] => Namespaces[name];

    public NetworkState With(string name, NamespaceState state) => this with { Namespaces = Namespaces.SetItem(name, state) };
}

/// <summary>One network namespace.</summary>
public sealed record NamespaceState
{
    /// <summary>It has a name and cannot be entered, since whoever made it was cut off. Never wanted, only seen.</summary>
    public bool IsBroken { get; init; }

    public ImmutableSortedDictionary<string, Link> Links { get; init; } = ImmutableSortedDictionary.Create<string, Link>(StringComparer.Ordinal);

    public ImmutableHashSet<LinkAddress> Addresses { get; init; } = [];

    public ImmutableHashSet<Route> Routes { get; init; } = [];

    /// <summary>Which table routes what.</summary>
    public ImmutableHashSet<RoutingRule> Rules { get; init; } = [];

    public ImmutableHashSet<Neighbour> Neighbours { get; init; } = [];

    public ImmutableHashSet<Forwarding> Forwardings { get; init; } = [];

    /// <summary>Sysctls by name, such as <c>net.ipv4.conf.NAME.forwarding</c>, of those in <see cref="SysctlNames"/>.</summary>
    public ImmutableSortedDictionary<string, string> Sysctls { get; init; } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
}

/// <summary>An address on a link.</summary>
/// <param name="Address">With its prefix length, such as <c>192.0.2.1/24</c>, in the form of <c>NetworkText</c>.</param>
/// <param name="IsOurs">Made by the platform: it has <see cref="Marks.Metric"/>. Others are seen and never touched.</param>
public sealed record LinkAddress(string Link, string Address, bool IsOurs = true);

/// <summary>A route.</summary>
/// <param name="Destination">A network, or <c>default</c>.</param>
/// <param name="Via">The next hop; null for what is on the link itself.</param>
/// <param name="IsOurs">It has <see cref="Marks.Protocol"/>.</param>
public sealed record Route(string Destination, bool IsIpv6, string? Via, string Link, string? Source = null, int Table = Route.Main, int? Metric = null, bool IsOurs = true)
{
    /// <summary>The table that is looked at where no rule says otherwise.</summary>
    public const int Main = 254;
}

/// <summary>What came in by a link is routed by a table.</summary>
public sealed record RoutingRule(bool IsIpv6, string Incoming, int Table);

/// <summary>Who has an address, so that nobody need ask.</summary>
public sealed record Neighbour(string Link, string Address, string HardwareAddress);

/// <summary>Where a hardware address is.</summary>
/// <param name="Link">A port of a bridge.</param>
/// <param name="Endpoint">The host behind a VXLAN port; null for a port of which the bridge itself is to know.</param>
public sealed record Forwarding(string Link, string HardwareAddress, string? Endpoint = null);
