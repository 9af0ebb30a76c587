using System.Collections.Immutable;
using System.Text;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>The smallest change that leads from what is applied to what is to be; one transaction.</summary>
public sealed record FilterPlan(ImmutableArray<FilterStep> Steps)
{
    public bool IsEmpty => Steps.IsEmpty;

    /// <summary>What nft reads.</summary>
    public string Script
    {
        get
        {
            var text = new StringBuilder();
            foreach (var step in Steps)
                step.Write(text);
            return text.ToString();
        }
    }

    public static FilterPlan Between(AppliedRules applied, FilterRules wanted)
    {
        var steps = ImmutableArray.CreateBuilder<FilterStep>();
        if (!wanted.Chains.Keys.Where(FilterRules.IsVersion).All(applied.Chains.ContainsKey) || (wanted.Chains.Count == 0 && applied.Chains.Count > 0))
        {
            steps.Add(new FilterStep.Reset(Keep: wanted.Chains.Count > 0));
            applied = AppliedRules.None;
        }
        // What others refer to comes before them, and goes after them.
        foreach (var (name, set) in Sorted(wanted.Sets.Where(set => !applied.Sets.ContainsKey(set.Key))))
            steps.Add(new FilterStep.AddSet(name, set with { Elements = ImmutableDictionary<string, string>.Empty }));
        var changed = Sorted(wanted.Chains.Where(chain => applied.Chains.GetValueOrDefault(chain.Key) != chain.Value.Digest));
        foreach (var (name, chain) in changed.Where(chain => !applied.Chains.ContainsKey(chain.Key)))
            steps.Add(new FilterStep.AddChain(name, chain.Hook));
        foreach (var (name, chain) in changed.Where(chain => applied.Chains.ContainsKey(chain.Key) || !chain.Value.Rules.IsEmpty))
            steps.Add(new FilterStep.FillChain(name, applied.Chains.ContainsKey(name), chain.Rules));
        foreach (var (name, set) in Sorted(wanted.Sets))
            steps.AddRange(Elements(name, applied.Sets.GetValueOrDefault(name, ImmutableDictionary<string, string>.Empty), set.Elements));
        var gone = Sorted(applied.Chains.Where(chain => !wanted.Chains.ContainsKey(chain.Key)));
        steps.AddRange(gone.Where(chain => chain.Value.Length > 0).Select(chain => new FilterStep.FillChain(chain.Key, true, [])));
        steps.AddRange(gone.Select(chain => new FilterStep.RemoveChain(chain.Key)));
        steps.AddRange(Sorted(applied.Sets.Where(set => !wanted.Sets.ContainsKey(set.Key))).Select(set => new FilterStep.RemoveSet(set.Key)));
        return new FilterPlan(steps.ToImmutable());
    }

    private static IEnumerable<FilterStep> Elements(
        string set, IReadOnlyDictionary<string, string> applied, IReadOnlyDictionary<string, string> wanted)
    {
        var added = Beyond(wanted, applied);
        // As many as there are in both, and none of them is to go.
        if (applied.Count != wanted.Count - added.Length)
            yield return new FilterStep.RemoveElements(set, [.. Beyond(applied, wanted).Select(element => element.Key)]);
        if (!added.IsEmpty)
            yield return new FilterStep.AddElements(set, added);
    }

    /// <summary>What one has and the other has not, or with another value.</summary>
    private static ImmutableArray<KeyValuePair<string, string>> Beyond(
        IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        Sorted(one.Where(element => !other.TryGetValue(element.Key, out var value) || value != element.Value));

    private static ImmutableArray<KeyValuePair<string, T>> Sorted<T>(IEnumerable<KeyValuePair<string, T>> named) =>
        [.. named.OrderBy(entry => entry.Key, StringComparer.Ordinal)];
}

/// <summary>A command of nft.</summary>
public abstract record FilterStep
{
    private const string Table = FilterRules.Family + " " + FilterRules.Table;

    internal abstract void Write(StringBuilder text);

    /// <summary>Away with the table, whatever is in it and whether it is there or not.</summary>
    /// <param name="Keep">An empty one comes in its place.</param>
    public sealed record Reset(bool Keep) : FilterStep
    {
        internal override void Write(StringBuilder text)
        {
            text.Append($"add table {Table}\ndelete table {Table}\n");
            if (Keep)
                text.Append($"add table {Table}\n");
        }
    }

    public sealed record AddSet(string Set, FilterSet Declared) : FilterStep
    {
        internal override void Write(StringBuilder text) =>
            text.Append($"add {(Declared.IsMap ? "map" : "set")} {Table} {Set} {{ {Declared.Declaration}; }}\n");
    }

    public sealed record RemoveSet(string Set) : FilterStep
    {
        internal override void Write(StringBuilder text) => text.Append($"delete set {Table} {Set}\n");
    }

    public sealed record AddChain(string Chain, string? Hook) : FilterStep
    {
        internal override void Write(StringBuilder text) =>
            text.Append(Hook is null ? $"add chain {Table} {Chain}\n" : $"add chain {Table} {Chain} {{ {Hook} }}\n");
    }

    /// <param name="Flush">Whether what is in it goes.</param>
    public sealed record FillChain(string Chain, bool Flush, ImmutableArray<string> Rules) : FilterStep
    {
        internal override void Write(StringBuilder text)
        {
            if (Flush)
                text.Append($"flush chain {Table} {Chain}\n");
            foreach (var rule in Rules)
                text.Append($"add rule {Table} {Chain} {rule} comment \"{RuleDigest.Of(rule)}\"\n");
        }
    }

    public sealed record RemoveChain(string Chain) : FilterStep
    {
        internal override void Write(StringBuilder text) => text.Append($"delete chain {Table} {Chain}\n");
    }

    public sealed record AddElements(string Set, ImmutableArray<KeyValuePair<string, string>> Elements) : FilterStep
    {
        internal override void Write(StringBuilder text)
        {
            text.Append($"add element {Table} {Set} {{ ");
            text.AppendJoin(", ", Elements.Select(element => element.Value.Length > 0 ? $"{element.Key} : {element.Value}" : element.Key));
            text.Append(" }\n");
        }
    }

    public sealed record RemoveElements(string Set, ImmutableArray<string> Keys) : FilterStep
    {
        internal override void Write(StringBuilder text) => text.Append($"delete element {Table} {Set} {{ ").AppendJoin(", ", Keys).Append(" }\n");
    }
}
