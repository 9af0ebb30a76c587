namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>Collects what is in the table.</summary>
internal sealed class TableBuilder
{
    private readonly Dictionary<string, FilterSet> _sets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, string>> _elements = new(StringComparer.Ordinal);
    private readonly int _size;
    private readonly Dictionary<string, FilterChain> _chains = new(StringComparer.Ordinal);

    /// <param name="size">About how many elements most sets will have.</param>
    public TableBuilder(bool tracks, int size)
    {
        _size = size;
        foreach (var (name, set) in BaseChains.Sets(tracks))
            Declare(name, set);
        foreach (var (name, chain) in BaseChains.Chains(tracks))
            _chains.Add(name, chain);
        var version = FilterRules.Version(BaseChains.Sets(tracks).Select(set => set.Set), _chains.Values.Where(chain => chain.Hook is not null));
        _chains.Add(version, new FilterChain(null, []));
    }

    public void Declare(string name, FilterSet set)
    {
        var elements = new Dictionary<string, string>(_size, StringComparer.Ordinal);
        _elements.Add(name, elements);
        _sets.Add(name, set with { Elements = elements });
    }

    /// <summary>An element. Two of a key are one, and the last value counts.</summary>
    public void Add(string set, string key, string value = "") => _elements[set][key] = value;

    public void AddChain(string chain, params IEnumerable<string> rules) => _chains.Add(chain, new FilterChain(null, [.. rules]));

    public FilterRules Build() => new(_sets, _chains);
}
