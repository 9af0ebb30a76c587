using System.Collections.Immutable;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>Gathers what is to be.</summary>
public sealed class NetworkBuilder
{
    private readonly SortedDictionary<string, Space> _spaces = new(StringComparer.Ordinal);

    public NetworkBuilder() => Of(NetworkState.Host);

    public Dictionary<NetworkSubject, string> Links { get; } = [];

    public Dictionary<NetworkSubject, string> Faults { get; } = [];

    /// <summary>What works, but not as somebody might expect, in words.</summary>
    public Dictionary<NetworkSubject, string> Notes { get; } = [];

    /// <summary>By switch.</summary>
    public Dictionary<Guid, int> Mtus { get; } = [];

    public List<HeldTap> Held { get; } = [];

    public void Note(NetworkSubject subject, string words) =>
        Notes[subject] = Notes.TryGetValue(subject, out var others) ? $"{others} {words}" : words;

    public void Add(NamespaceState state, string space = NetworkState.Host)
    {
        var into = Of(space);
        foreach (var link in state.Links.Values)
            into.Links[link.Name] = link;
        into.Addresses.UnionWith(state.Addresses);
        into.Routes.UnionWith(state.Routes);
        into.Rules.UnionWith(state.Rules);
        into.Neighbours.UnionWith(state.Neighbours);
        into.Forwardings.UnionWith(state.Forwardings);
        foreach (var (name, value) in state.Sysctls)
            into.Sysctls[name] = value;
    }

    public void Add(Link link, string space = NetworkState.Host) => Of(space).Links[link.Name] = link;

    public void Add(LinkAddress address, string space = NetworkState.Host) => Of(space).Addresses.Add(address);

    public void Add(Neighbour neighbour) => Of(NetworkState.Host).Neighbours.Add(neighbour);

    public void Add(Forwarding forwarding) => Of(NetworkState.Host).Forwardings.Add(forwarding);

    /// <summary>Changes a link of the host that is there already.</summary>
    public void Change(string link, Func<Link, Link> change)
    {
        var links = Of(NetworkState.Host).Links;
        links[link] = change(links[link]);
    }

    public bool Has(string link) => Of(NetworkState.Host).Links.ContainsKey(link);

    public NetworkState Build() => new()
    {
        Namespaces = _spaces.ToImmutableSortedDictionary(space => space.Key, space => space.Value.Build(), StringComparer.Ordinal),
    };

    private Space Of(string name)
    {
        if (!_spaces.TryGetValue(name, out var space))
            _spaces.Add(name, space = new Space());
        return space;
    }

    private sealed class Space
    {
        public Dictionary<string, Link> Links { get; } = new(StringComparer.Ordinal);

        public HashSet<LinkAddress> Addresses { get; } = [];

        public HashSet<Route> Routes { get; } = [];

        public HashSet<RoutingRule> Rules { get; } = [];

        public HashSet<Neighbour> Neighbours { get; } = [];

        public HashSet<Forwarding> Forwardings { get; } = [];

        public Dictionary<string, string> Sysctls { get; } = new(StringComparer.Ordinal);

        public NamespaceState Build() => new()
        {
            Links = Links.ToImmutableSortedDictionary(StringComparer.Ordinal),
            Addresses = [.. Addresses],
            Routes = [.. Routes],
            Rules = [.. Rules],
            Neighbours = [.. Neighbours],
            Forwardings = [.. Forwardings],
            Sysctls = Sysctls.ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
    }
}
