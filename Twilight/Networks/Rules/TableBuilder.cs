using System.Collections.Immutable;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>Collects what is in the table.</summary>
internal sealed class TableBuilder
{
    private readonly Dictionary<string, (FilterSet Declared, ImmutableDictionary<string, string>.Builder Elements)> _sets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FilterChain> _chains = new(StringComparer.Ordinal);

    public TableBuilder(bool tracks)
    {
        foreach (var (name, set) in BaseChains.Sets(tracks))
            Declare(name, set);
        foreach (var (name, chain) in BaseChains.Chains(tracks))
            _chains.Add(name, chain);
        var version = FilterRules.Version(BaseChains.Sets(tracks).Select(set => set.Set), _chains.Values.Where(chain => chain.Hook is not null));
        _chains.Add(version, new FilterChain(null, []));
    }

    public void Declare(string name, FilterSet set) =>
        _sets.Add(name, (set, ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal)));

    /// <summary>An element. Two of a key are one, and the last value counts.</summary>
    public void Add(string set, string key, string value = "") => _sets[set].Elements[key] = value;

    public void AddChain(string chain, params IEnumerable<string> rules) => _chains.Add(chain, new FilterChain(null, [.. rules]));

    public FilterRules Build() => new(
        _sets.ToImmutableSortedDictionary(
            set => set.Key, set => set.Value.Declared with { Elements = set.Value.Elements.ToImmutable() }, StringComparer.Ordinal),
        _chains.ToImmutableSortedDictionary(StringComparer.Ordinal));
}
