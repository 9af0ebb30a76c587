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
        if (!wanted.Chains.Keys.Where(FilterRules.IsVersion).All(applied.Chains.ContainsKey) || (wanted.Chains.IsEmpty && !applied.Chains.IsEmpty))
        {
            steps.Add(new FilterStep.Reset(Keep: !wanted.Chains.IsEmpty));
            applied = AppliedRules.None;
        }
        // What others refer to comes before them, and goes after them.
        foreach (var (name, set) in wanted.Sets.Where(set => !applied.Sets.ContainsKey(set.Key)))
            steps.Add(new FilterStep.AddSet(name, set with { Elements = ImmutableDictionary<string, string>.Empty }));
        var changed = wanted.Chains.Where(chain => applied.Chains.GetValueOrDefault(chain.Key) != RuleDigest.List(chain.Value.Rules)).ToList();
        foreach (var (name, chain) in changed.Where(chain => !applied.Chains.ContainsKey(chain.Key)))
            steps.Add(new FilterStep.AddChain(name, chain.Hook));
        foreach (var (name, chain) in changed.Where(chain => applied.Chains.ContainsKey(chain.Key) || !chain.Value.Rules.IsEmpty))
            steps.Add(new FilterStep.FillChain(name, applied.Chains.ContainsKey(name), chain.Rules));
        foreach (var (name, set) in wanted.Sets)
            steps.AddRange(Elements(name, applied.Sets.GetValueOrDefault(name, ImmutableDictionary<string, string>.Empty), set));
        var gone = applied.Chains.Keys.Where(name => !wanted.Chains.ContainsKey(name)).ToList();
        steps.AddRange(gone.Where(name => applied.Chains[name].Length > 0).Select(name => new FilterStep.FillChain(name, true, [])));
        steps.AddRange(gone.Select(name => new FilterStep.RemoveChain(name)));
        steps.AddRange(applied.Sets.Keys.Where(name => !wanted.Sets.ContainsKey(name)).Select(name => new FilterStep.RemoveSet(name)));
        return new FilterPlan(steps.ToImmutable());
    }

    private static IEnumerable<FilterStep> Elements(string name, ImmutableDictionary<string, string> applied, FilterSet wanted)
    {
        var gone = applied.Where(element => wanted.Elements.GetValueOrDefault(element.Key) != element.Value).Select(element => element.Key);
        var added = wanted.Elements.Where(element => applied.GetValueOrDefault(element.Key) != element.Value);
        if (gone.Order(StringComparer.Ordinal).ToImmutableArray() is { IsEmpty: false } removed)
            yield return new FilterStep.RemoveElements(name, removed);
        if (added.OrderBy(element => element.Key, StringComparer.Ordinal).ToImmutableArray() is { IsEmpty: false } more)
            yield return new FilterStep.AddElements(name, more);
    }
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
