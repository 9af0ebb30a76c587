using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Addresses, routes, and who is where, of one namespace whose links are as they are to be.</summary>
internal sealed class AddressingPlanner
{
    private readonly PlanDraft _draft;
    private readonly string _space;
    private readonly KernelModel.Space _there;
    private readonly NamespaceState _wanted;

    private AddressingPlanner(PlanDraft draft, string space)
    {
        _draft = draft;
        _space = space;
        _there = draft.Model.Find(space)!;
        _wanted = draft.Wanted[space];
    }

    public static void Make(PlanDraft draft, string space)
    {
        var planner = new AddressingPlanner(draft, space);
        planner.AddAddresses();
        planner.RemoveRoutes();
        planner.RemoveAddresses();
        planner.AddRoutes();
        planner.MakeRules();
        planner.MakeNeighbours();
        planner.MakeForwardings();
    }

    private bool IsFree(string link) => !_draft.IsObstructed(_space, link);

    private void AddAddresses()
    {
        foreach (var address in Sorted(_wanted.Addresses.Where(address => IsFree(address.Link)), address => address.Link + address.Address))
        {
            if (Has(address))
                continue;
            // The kernel has an IPv6 address once, with one prefix length.
            var other = AddressText.IsIpv6(address.Address)
                ? _there.Addresses.FirstOrDefault(there => there.Link == address.Link && AddressText.Bare(there.Address) == AddressText.Bare(address.Address))
                : null;
            if (other is { IsOurs: false })
            {
                _draft.Obstruct(_space, address.Link, $"It has the address {other.Address}, which the platform did not give it, and not {address.Address}.");
                continue;
            }
            if (other is not null)
                _draft.Add(new NetworkStep.RemoveAddress(_space, other), address.Link);
            _draft.Add(new NetworkStep.AddAddress(_space, address), address.Link);
        }
    }

    private bool Has(LinkAddress address) => _there.Addresses.Contains(address) || _there.Addresses.Contains(address with { IsOurs = !address.IsOurs });

    private void RemoveAddresses()
    {
        foreach (var address in Sorted(_there.Addresses.Where(there => there.IsOurs && !_wanted.Addresses.Contains(there) && IsFree(there.Link)), there => there.Link + there.Address))
        {
            if (GoesAnyway(address.Link) || !_there.Addresses.Contains(address))
                continue;
            // Else the kernel takes away all others of that network with the first.
            var promotion = SysctlNames.Ipv4(address.Link, "promote_secondaries");
            if (!AddressText.IsIpv6(address.Address) && _there.Sysctls.GetValueOrDefault(promotion) != "1"
                && _there.Addresses.Any(there => there != address && there.Link == address.Link && AddressText.AreInOneNetwork(there.Address, address.Address)))
            {
                _draft.Add(new NetworkStep.SetSysctl(_space, promotion, "1"), address.Link);
            }
            _draft.Add(new NetworkStep.RemoveAddress(_space, address), address.Link);
        }
    }

    /// <summary>Whether the link itself is a leftover, and is about to go with all that is on it.</summary>
    private bool GoesAnyway(string link) => _there.Links.GetValueOrDefault(link) is { } there && Leftover.Goes(_draft, _space, there);

    private void RemoveRoutes()
    {
        foreach (var route in Sorted(_there.Routes.Where(there => there.IsOurs && !_wanted.Routes.Contains(there) && IsFree(there.Link)), route => (route.Via is null ? "1" : "0") + route))
        {
            // One that another takes the place of goes right before that one comes.
            if (!GoesAnyway(route.Link) && !_wanted.Routes.Any(wanted => KernelModel.IsSameKey(wanted, route) && IsFree(wanted.Link)))
                _draft.Add(new NetworkStep.RemoveRoute(_space, route), route.Link);
        }
    }

    private void AddRoutes()
    {
        foreach (var route in Sorted(_wanted.Routes.Where(route => IsFree(route.Link)), route => (route.Via is null ? "0" : "1") + route))
        {
            if (_there.Routes.Contains(route) || _there.Routes.Contains(route with { IsOurs = false }))
                continue;
            if (_there.Routes.FirstOrDefault(there => KernelModel.IsSameKey(there, route)) is { } other)
            {
                if (!other.IsOurs)
                {
                    _draft.Obstruct(_space, route.Link, $"There is a route to {other.Destination} by {other.Link}, which the platform did not make.");
                    continue;
                }
                _draft.Add(new NetworkStep.RemoveRoute(_space, other), other.Link);
            }
            _draft.Add(new NetworkStep.AddRoute(_space, route), route.Link);
        }
    }

    private void MakeRules()
    {
        foreach (var rule in Sorted(_wanted.Rules.Except(_there.Rules), rule => rule.ToString()))
            _draft.Add(new NetworkStep.AddRule(_space, rule), rule.Incoming);
        foreach (var rule in Sorted(_there.Rules.Except(_wanted.Rules), rule => rule.ToString()))
            _draft.Add(new NetworkStep.RemoveRule(_space, rule), rule.Incoming);
    }

    private void MakeNeighbours()
    {
        foreach (var neighbour in Sorted(_wanted.Neighbours.Where(wanted => !_there.Neighbours.Contains(wanted) && IsFree(wanted.Link)), wanted => wanted.Link + wanted.Address))
            _draft.Add(new NetworkStep.AddNeighbour(_space, neighbour), neighbour.Link);
        foreach (var neighbour in Sorted(_there.Neighbours.Where(there => !_wanted.Neighbours.Contains(there) && IsFree(there.Link)), there => there.Link + there.Address))
        {
            if (!GoesAnyway(neighbour.Link))
                _draft.Add(new NetworkStep.RemoveNeighbour(_space, neighbour), neighbour.Link);
        }
    }

    private void MakeForwardings()
    {
        foreach (var forwarding in Sorted(_wanted.Forwardings.Where(wanted => !_there.Forwardings.Contains(wanted) && IsFree(wanted.Link)), KeyOf))
            _draft.Add(new NetworkStep.AddForwarding(_space, forwarding), forwarding.Link);
        foreach (var forwarding in Sorted(_there.Forwardings.Where(there => !_wanted.Forwardings.Contains(there) && IsFree(there.Link)), KeyOf))
        {
            if (!GoesAnyway(forwarding.Link))
                _draft.Add(new NetworkStep.RemoveForwarding(_space, forwarding), forwarding.Link);
        }
    }

    private static string KeyOf(Forwarding forwarding) => $"{forwarding.Link} {forwarding.HardwareAddress} {forwarding.Endpoint}";

    // Sets have no order, and a plan is the same each time.
    private static List<T> Sorted<T>(IEnumerable<T> all, Func<T, string> key) => [.. all.OrderBy(key, StringComparer.Ordinal)];
}
