using System.Collections.Immutable;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>
/// What the kernel does with a step: what else changes by it, and what it refuses. Pure. The plan carries it along, and the
/// fake of the tests is made of it; that it does as the kernel does is what <c>NetworkStackContract</c> shows.
/// </summary>
public sealed partial class KernelModel
{
    private readonly SortedDictionary<string, Space> _spaces = new(StringComparer.Ordinal);

    public KernelModel(NetworkState state)
    {
        foreach (var (name, space) in state.Namespaces)
            _spaces.Add(name, new Space(space));
    }

    /// <summary>What is there now.</summary>
    public NetworkState State => new()
    {
        Namespaces = _spaces.ToImmutableSortedDictionary(space => space.Key, space => space.Value.ToState(), StringComparer.Ordinal),
    };

    public IEnumerable<string> Namespaces => _spaces.Keys;

    public Space? Find(string space) => _spaces.GetValueOrDefault(space);

    /// <exception cref="NetworkException">The kernel refuses it, and nothing has changed.</exception>
    public void Apply(NetworkStep step)
    {
        if (step is NetworkStep.AddNamespace)
        {
            Require(!_spaces.ContainsKey(step.Namespace), step, "File exists");
            _spaces.Add(step.Namespace, new Space(new NamespaceState { Links = Loopback }));
            return;
        }
        var space = _spaces.GetValueOrDefault(step.Namespace) ?? throw new NetworkException("No such namespace", step);
        if (step is NetworkStep.RemoveNamespace)
        {
            Require(step.Namespace != NetworkState.Host, step, "It is the host's own");
            foreach (var link in space.Links.Values.ToList())
                Drop(step.Namespace, space, link.Name);
            _spaces.Remove(step.Namespace);
            return;
        }
        Require(!space.IsBroken, step, "Invalid argument");
        switch (step)
        {
            case NetworkStep.AddLink add:
                Add(add, space);
                break;
            case NetworkStep.RemoveLink remove:
                Require(LinkOf(space, remove.Link, step).Kind is not (LinkKind.Card or LinkKind.Other), step, "Operation not supported");
                Drop(step.Namespace, space, remove.Link);
                break;
            case NetworkStep.ChangeBond bond:
                Change(bond, space);
                break;
            case NetworkStep.ChangeLink change:
                Change(change, space);
                break;
            default:
                ApplyOnLinks(step, space);
                break;
        }
    }

    private static ImmutableSortedDictionary<string, Link> Loopback { get; } = ImmutableSortedDictionary.Create<string, Link>(StringComparer.Ordinal)
        .Add("lo", new Link { Name = "lo", Kind = LinkKind.Other, HardwareAddress = "00:00:00:00:00:00", Mtu = 65536, IsUp = false, Master = "" });

    private static Link LinkOf(Space space, string name, NetworkStep step) =>
        space.Links.GetValueOrDefault(name) ?? throw new NetworkException($"Cannot find device \"{name}\"", step);

    private static void Require(bool condition, NetworkStep step, string otherwise)
    {
        if (!condition)
            throw new NetworkException(otherwise, step);
    }

    /// <summary>One namespace as it is now.</summary>
    public sealed class Space
    {
        // Made when they are first asked: a plan of a thousand cards asks a thousand times, and most ask never.
        private Dictionary<string, List<Forwarding>>? _forwardings;
        private Dictionary<(string Link, string Address), Neighbour>? _neighbours;

        internal Space(NamespaceState state)
        {
            IsBroken = state.IsBroken;
            Links = state.Links.ToBuilder();
            Addresses = state.Addresses.ToBuilder();
            Routes = state.Routes.ToBuilder();
            Rules = state.Rules.ToBuilder();
            Neighbours = state.Neighbours.ToBuilder();
            Forwardings = state.Forwardings.ToBuilder();
            Sysctls = state.Sysctls.ToBuilder();
        }

        public bool IsBroken { get; }

        public ImmutableSortedDictionary<string, Link>.Builder Links { get; }

        public ImmutableHashSet<LinkAddress>.Builder Addresses { get; }

        public ImmutableHashSet<Route>.Builder Routes { get; }

        public ImmutableHashSet<RoutingRule>.Builder Rules { get; }

        public ImmutableHashSet<Neighbour>.Builder Neighbours { get; }

        public ImmutableHashSet<Forwarding>.Builder Forwardings { get; }

        public ImmutableSortedDictionary<string, string>.Builder Sysctls { get; }

        public IEnumerable<Link> PortsOf(string master) => Links.Values.Where(link => link.Master == master);

        /// <summary>What cannot be without the link: VLANs of it, tunnels that are bound to it.</summary>
        public IEnumerable<Link> Above(string link) => Links.Values.Where(above => above.Vlan?.Parent == link || above.Vxlan?.Device == link);

        /// <summary>All of a hardware address, wherever it is.</summary>
        internal IReadOnlyList<Forwarding> ForwardingsOf(string hardwareAddress) =>
            (_forwardings ??= Forwardings.GroupBy(one => one.HardwareAddress).ToDictionary(all => all.Key, all => all.ToList(), StringComparer.Ordinal))
                .GetValueOrDefault(hardwareAddress) ?? [];

        internal void Add(Forwarding forwarding)
        {
            if (!Forwardings.Add(forwarding) || _forwardings is null)
                return;
            if (_forwardings.TryGetValue(forwarding.HardwareAddress, out var all))
                all.Add(forwarding);
            else
                _forwardings.Add(forwarding.HardwareAddress, [forwarding]);
        }

        internal bool Remove(Forwarding forwarding)
        {
            _forwardings?.GetValueOrDefault(forwarding.HardwareAddress)?.Remove(forwarding);
            return Forwardings.Remove(forwarding);
        }

        /// <summary>Of a link, those that <paramref name="which"/> says.</summary>
        internal void RemoveForwardings(string link, Func<Forwarding, bool> which)
        {
            foreach (var one in Forwardings.Where(one => one.Link == link && which(one)).ToList())
                Remove(one);
        }

        /// <summary>What is known of an address at a link; null for nothing.</summary>
        internal Neighbour? NeighbourOf(string link, string address) =>
            (_neighbours ??= Neighbours.ToDictionary(one => (one.Link, one.Address))).GetValueOrDefault((link, address));

        internal void Put(Neighbour neighbour)
        {
            if (NeighbourOf(neighbour.Link, neighbour.Address) is { } there)
                Neighbours.Remove(there);
            Neighbours.Add(neighbour);
            _neighbours![(neighbour.Link, neighbour.Address)] = neighbour;
        }

        internal bool Remove(Neighbour neighbour)
        {
            if (!Neighbours.Remove(neighbour))
                return false;
            _neighbours?.Remove((neighbour.Link, neighbour.Address));
            return true;
        }

        internal void RemoveNeighbours(string link)
        {
            foreach (var one in Neighbours.Where(one => one.Link == link).ToList())
                Remove(one);
        }

        internal NamespaceState ToState() => new()
        {
            IsBroken = IsBroken,
            Links = Links.ToImmutable(),
            Addresses = Addresses.ToImmutable(),
            Routes = Routes.ToImmutable(),
            Rules = Rules.ToImmutable(),
            Neighbours = Neighbours.ToImmutable(),
            Forwardings = Forwardings.ToImmutable(),
            Sysctls = Sysctls.ToImmutable(),
        };

        internal static void RemoveWhere<T>(ImmutableHashSet<T>.Builder set, Func<T, bool> which)
        {
            foreach (var one in set.Where(which).ToList())
                set.Remove(one);
        }
    }
}
