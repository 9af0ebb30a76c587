using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Trials;

/// <summary>What somebody else had put on the cards before the platform took them: what a trial puts back beyond its own.</summary>
/// <param name="Cards">Those that were up, with the bridge or bond of somebody else that they were ports of, or none.</param>
public sealed record BeforeTrial(
    IReadOnlyList<Link> Cards, IReadOnlyList<LinkAddress> Addresses, IReadOnlyList<Route> Routes)
{
    public static BeforeTrial Of(NamespaceState here)
    {
        var cards = here.Links.Values.Where(link => link.IsCard).ToList();
        var names = cards.Select(card => card.Name).ToHashSet(StringComparer.Ordinal);
        return new BeforeTrial(
            [.. cards.Where(card => card.IsUp == true)
                .Select(card => new Link { Name = card.Name, Kind = card.Kind, IsUp = true, Mtu = card.Mtu, Master = LinkNames.IsOurs(card.Master) ? null : card.Master })],
            [.. here.Addresses.Where(address => !address.IsOurs && names.Contains(address.Link))],
            [.. here.Routes.Where(route => !route.IsOurs && names.Contains(route.Link))]);
    }

    /// <summary>The steps that give somebody else's part back.</summary>
    public IEnumerable<NetworkStep> Missing(NamespaceState here)
    {
        foreach (var card in Cards.Where(card => here.Links.TryGetValue(card.Name, out var now) && IsLess(now, card)))
            yield return new NetworkStep.ChangeLink(NetworkState.Host, card);
        foreach (var address in Addresses.Where(address => here.Links.ContainsKey(address.Link) && !here.Addresses.Contains(address)))
            yield return new NetworkStep.AddAddress(NetworkState.Host, address);
        foreach (var route in Routes.Where(route => here.Links.ContainsKey(route.Link) && !here.Routes.Contains(route)).OrderBy(route => route.Via is not null))
            yield return new NetworkStep.AddRoute(NetworkState.Host, route);
    }

    private static bool IsLess(Link now, Link before) =>
        now.IsUp != before.IsUp || now.Mtu != before.Mtu || (before.Master is not null && now.Master != before.Master);
}

/// <summary>A trial that has begun and not ended.</summary>
/// <param name="IsGivenUp">What was before is being put back, and some of it may be there already: nothing confirms it any more.</param>
public sealed record RunningTrial(HostOrders Tried, BootedNetwork BootedBefore, BeforeTrial Before, bool IsGivenUp = false);

/// <summary>What was tried in vain.</summary>
/// <param name="IsRetirement">It was to live without what the host booted with.</param>
public sealed record RefusedTrial(HostOrders Orders, bool IsRetirement, string Why);

/// <summary>
/// What has worked, what is being tried, and what is not to be tried again. Pure, and small enough to be kept in a file.
/// </summary>
/// <param name="Confirmed">The newest orders that worked.</param>
/// <param name="Booted">What cards had before they became ports.</param>
public sealed record TrialBook(HostOrders Confirmed, BootedNetwork Booted, RunningTrial? Running = null, RefusedTrial? Refused = null)
{
    public static TrialBook Empty { get; } = new(HostOrders.None, BootedNetwork.None);

    /// <summary>Other orders than those that were refused are another chance, and so are the same ones after them.</summary>
    public TrialBook Order(HostOrders ordered) => Refused is null || Refused.Orders.Equals(ordered) ? this : this with { Refused = null };

    /// <summary>What the host is to be made of these orders.</summary>
    public HostOrders Effective(HostOrders ordered) => Refused is { IsRetirement: false } && Refused.Orders.Equals(ordered) ? Confirmed : ordered;

    /// <summary>Why these orders are not carried out; null where they are.</summary>
    public string? WhyRefused(HostOrders ordered) => Refused is { IsRetirement: false } && Refused.Orders.Equals(ordered) ? Refused.Why : null;

    // What was before is there again before anything else happens.
    private RunningTrial? Tried =>
        Running is { IsGivenUp: true } ? throw new InvalidOperationException("What was before the trial is not there again.") : Running;

    /// <summary>The path is about to be changed.</summary>
    /// <exception cref="InvalidOperationException">A trial is given up and not yet taken back.</exception>
    public TrialBook Begin(HostOrders tried, BootedNetwork booted, NamespaceState here) => this with
    {
        Booted = booted,
        Refused = null,
        Running = new RunningTrial(tried, Tried?.BootedBefore ?? Booted, Tried?.Before ?? BeforeTrial.Of(here)),
    };

    /// <summary>Sparkle was heard.</summary>
    /// <exception cref="InvalidOperationException">The trial is given up: what Sparkle is heard over is not what was tried.</exception>
    public TrialBook Confirm() => this with { Confirmed = Tried?.Tried ?? Confirmed, Running = null };

    /// <summary>The time is over. From here on the trial only goes back.</summary>
    public TrialBook GiveUp() => Running is { IsGivenUp: false } running ? this with { Running = running with { IsGivenUp = true } } : this;

    /// <summary>The orders are carried out without touching the path. While a trial runs, they stand and fall with it.</summary>
    /// <exception cref="InvalidOperationException">A trial is given up and not yet taken back.</exception>
    public TrialBook Settle(HostOrders orders, BootedNetwork booted)
    {
        if (Tried is { } running)
            return running.Tried.Equals(orders) ? this : this with { Running = running with { Tried = orders } };
        return Confirmed.Equals(orders) && Booted == booted ? this : this with { Confirmed = orders, Booted = booted };
    }

    /// <summary>What was before is there again.</summary>
    public TrialBook Expire(string why)
    {
        if (Running is not { } running)
            return this;
        var isRetirement = running.Tried.Equals(Confirmed) && !Equals(running.BootedBefore, Booted);
        return this with { Booted = running.BootedBefore, Running = null, Refused = new RefusedTrial(running.Tried, isRetirement, why) };
    }

    /// <summary>Whether what the host booted with may go now: something takes its place, and it was not tried in vain.</summary>
    public bool MayRetire(HostOrders ordered) =>
        Running is null && Confirmed.Equals(ordered) && Refused is null
        && Booted.Cards.Any(card => !card.IsRetired)
        && ordered.Roles.Any(role => role is { Role: Shared.Entities.NetRole.Management, Address: not null });
}
