using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Networks.Trials;

namespace PonyCloud.Twilight.Networks.Working;

/// <summary>What came in the way of orders in one pass, in words, by what the rows are about. The first reason of each counts.</summary>
internal sealed class Troubles
{
    private readonly Dictionary<NetworkSubject, string> _all = [];

    public IReadOnlyDictionary<NetworkSubject, string> All => _all;

    /// <summary>Orders that cut Sparkle off are not carried out: whatever differs from those that are says why.</summary>
    public void Refused(HostOrders ordered, TrialBook book)
    {
        if (book.WhyRefused(ordered) is not { } why)
            return;
        foreach (var bond in ordered.Bonds.Except(book.Confirmed.Bonds))
            _all[new NetworkSubject.Bond(bond.Uuid)] = why;
        foreach (var role in ordered.Roles.Except(book.Confirmed.Roles))
            _all[new NetworkSubject.Role(role.Uuid)] = why;
        foreach (var nic in ordered.Nics.Except(book.Confirmed.Nics))
            _all[new NetworkSubject.Nic(nic.Hwaddr)] = why;
    }

    /// <summary>Something is in the place of a link, and is not the platform's to take away.</summary>
    public void Obstructed(Obstacle obstacle, NetworkLayout layout)
    {
        foreach (var (subject, _) in layout.Links.Where(link => link.Value == obstacle.Link))
            _all.TryAdd(subject, obstacle.Why);
    }

    /// <summary>A step failed; or, where it was none, what all switches need.</summary>
    public void Failed(NetworkException exception, NetworkLayout layout, SwitchOrders switches)
    {
        var links = HostSteps.LinksOf(exception.Step).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var (subject, _) in layout.Links.Where(link => links.Contains(link.Value)))
            _all.TryAdd(subject, exception.Message);
        if (links.Count == 0)
            AddAll(switches.Switches.Select(one => one.Uuid), exception.Message);
    }

    public void Routed(RoutingReport report, RoutingOrders orders)
    {
        foreach (var (one, why) in report.Problems)
            _all.TryAdd(new NetworkSubject.Switch(one), why);
        if (report.World is { } world)
            AddAll(orders.NamespaceRules.Keys, world);
    }

    public void Served(ServingReport report)
    {
        foreach (var (one, whys) in report.Problems)
            _all.TryAdd(new NetworkSubject.Switch(one), string.Join(' ', whys));
    }

    /// <summary>Cards in security groups are not filtered as ordered.</summary>
    public void Unfiltered(SwitchOrders switches, string why)
    {
        foreach (var vnic in switches.Vnics.SelectMany(vnics => vnics).Where(vnic => switches.GroupsOf[vnic.Uuid].Any()))
            _all.TryAdd(new NetworkSubject.Vnic(vnic.Uuid), why);
    }

    private void AddAll(IEnumerable<Guid> switches, string why)
    {
        foreach (var one in switches)
            _all.TryAdd(new NetworkSubject.Switch(one), why);
    }
}
