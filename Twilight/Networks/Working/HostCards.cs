using System.Collections.Immutable;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Networks.Working;

/// <summary>Tells the loop of instances which cards their guests may have. Written by the loop of the network.</summary>
public sealed class HostCards : IInstanceCards
{
    private ImmutableDictionary<Guid, CardState> _cards = ImmutableDictionary<Guid, CardState>.Empty;

    /// <inheritdoc/>
    public event Action? Changed;

    /// <inheritdoc/>
    public CardState Of(Guid vnic) => Volatile.Read(ref _cards).GetValueOrDefault(vnic, CardState.Unknown);

    internal void Become(IEnumerable<KeyValuePair<Guid, CardState>> cards)
    {
        var now = cards.ToImmutableDictionary();
        var before = Volatile.Read(ref _cards);
        if (now.Count == before.Count && now.All(card => before.TryGetValue(card.Key, out var state) && state == card.Value))
            return;
        Volatile.Write(ref _cards, now);
        Changed?.Invoke();
    }
}
