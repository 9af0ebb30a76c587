using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What a card had before it became a port of a bond.</summary>
/// <param name="Addresses">With their prefix lengths.</param>
/// <param name="IsRetired">What replaces it works, so it is not carried on.</param>
public sealed record BootedCard(string Hwaddr, IReadOnlyList<string> Addresses, IReadOnlyList<Route> Routes, bool IsRetired = false);

/// <summary>What the host booted with, of the cards that have become ports.</summary>
public sealed record BootedNetwork(IReadOnlyList<BootedCard> Cards)
{
    public static BootedNetwork None { get; } = new([]);

    public BootedCard? Of(string hwaddr) => Cards.FirstOrDefault(card => card.Hwaddr == hwaddr);

    /// <summary>With what is found on cards that are about to become ports.</summary>
    public BootedNetwork Joined(IEnumerable<BootedCard> found)
    {
        var cards = Cards.ToList();
        foreach (var card in found)
        {
            cards.RemoveAll(one => one.Hwaddr == card.Hwaddr);
            cards.Add(card);
        }
        return new BootedNetwork(cards);
    }

    public BootedNetwork Retired() => new([.. Cards.Select(card => card with { IsRetired = true })]);
}
