using System.Collections.Immutable;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.TestKit.Network;

/// <summary>A table in memory. Like the kernel, it refuses a transaction whole in which one command does not fit what is there.</summary>
public sealed class FakePacketFilter : IPacketFilter
{
    private static readonly IReadOnlyDictionary<string, string> Empty = ImmutableDictionary<string, string>.Empty;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, CardCounters> _counters = new(StringComparer.Ordinal);
    private AppliedRules _applied = AppliedRules.None;
    private int _transactions;

    public bool TracksConnections { get; set; } = true;

    /// <summary>How many plans were applied that were not empty.</summary>
    public int Transactions
    {
        get
        {
            lock (_lock)
                return _transactions;
        }
    }

    /// <summary>What every call fails with; null for none.</summary>
    public NetworkException? Failure { get; set; }

    /// <summary>What is in the table; set, somebody else has changed it.</summary>
    public AppliedRules Applied
    {
        get
        {
            lock (_lock)
                return _applied;
        }
        set
        {
            lock (_lock)
                _applied = value;
        }
    }

    /// <summary>Packets of a card were dropped.</summary>
    public void Count(string tap, CardCounters counters)
    {
        lock (_lock)
            _counters[tap] = counters;
    }

    public Task<FilterAbilities> AbilitiesAsync(CancellationToken cancellationToken) => Answer(() => new FilterAbilities(TracksConnections), cancellationToken);

    public Task<AppliedRules> ScanAsync(CancellationToken cancellationToken) => Answer(() => _applied, cancellationToken);

    public Task ApplyAsync(FilterPlan plan, CancellationToken cancellationToken) => Answer(
        () =>
        {
            if (plan.IsEmpty)
                return 0;
            _applied = plan.Steps.Aggregate(_applied, Apply);
            return ++_transactions;
        },
        cancellationToken);

    public Task<IReadOnlyDictionary<string, CardCounters>> CountAsync(CancellationToken cancellationToken) => Answer<IReadOnlyDictionary<string, CardCounters>>(
        () => _applied.Sets.GetValueOrDefault("spoofed", Empty).Keys.Select(key => key.Trim('"'))
            .ToDictionary(tap => tap, tap => _counters.GetValueOrDefault(tap, new CardCounters(0, 0)), StringComparer.Ordinal),
        cancellationToken);

    /// <summary>What a step makes of a table.</summary>
    /// <exception cref="NetworkException">It does not fit.</exception>
    public static AppliedRules Apply(AppliedRules table, FilterStep step) => step switch
    {
        FilterStep.Reset => AppliedRules.None,
        FilterStep.AddSet add when !table.Sets.ContainsKey(add.Set) => table with { Sets = With(table.Sets, add.Set, Empty) },
        FilterStep.RemoveSet remove when table.Sets.ContainsKey(remove.Set) => table with { Sets = Without(table.Sets, remove.Set) },
        FilterStep.AddChain add when !table.Chains.ContainsKey(add.Chain) => table with { Chains = With(table.Chains, add.Chain, "") },
        FilterStep.FillChain fill when table.Chains.TryGetValue(fill.Chain, out var rules) =>
            table with { Chains = With(table.Chains, fill.Chain, Filled(fill.Flush ? "" : rules, fill)) },
        FilterStep.RemoveChain remove when table.Chains.GetValueOrDefault(remove.Chain) is { Length: 0 } && !IsUsed(table, remove.Chain) =>
            table with { Chains = Without(table.Chains, remove.Chain) },
        FilterStep.AddElements add when table.Sets.TryGetValue(add.Set, out var set) && add.Elements.All(element => Fits(table, set, element)) =>
            table with { Sets = With(table.Sets, add.Set, With(set, add.Elements)) },
        FilterStep.RemoveElements remove when table.Sets.TryGetValue(remove.Set, out var set) && remove.Keys.All(set.ContainsKey) =>
            table with { Sets = With(table.Sets, remove.Set, Without(set, [.. remove.Keys])) },
        _ => throw new NetworkException($"The packet filter: {step} does not fit what is there."),
    };

    private static Dictionary<string, T> With<T>(IReadOnlyDictionary<string, T> entries, string key, T value) => With(entries, [new(key, value)]);

    private static Dictionary<string, T> With<T>(IReadOnlyDictionary<string, T> entries, IEnumerable<KeyValuePair<string, T>> more)
    {
        var copy = entries.ToDictionary(StringComparer.Ordinal);
        foreach (var (key, value) in more)
            copy[key] = value;
        return copy;
    }

    private static Dictionary<string, T> Without<T>(IReadOnlyDictionary<string, T> entries, params IEnumerable<string> keys) =>
        entries.ExceptBy(keys, entry => entry.Key).ToDictionary(StringComparer.Ordinal);

    private static string Filled(string rules, FilterStep.FillChain fill) => string.Join(
        ' ', new[] { rules, new FilterChain(null, fill.Rules).Digest }.Where(digests => digests.Length > 0));

    /// <summary>A chain that an element leads to stays.</summary>
    private static bool IsUsed(AppliedRules table, string chain) =>
        table.Sets.Values.Any(set => set.Values.Any(value => value == $"goto {chain}" || value == $"jump {chain}"));

    private static bool Fits(AppliedRules table, IReadOnlyDictionary<string, string> set, KeyValuePair<string, string> element) =>
        !set.ContainsKey(element.Key) && (element.Value.Split(' ') is not ["goto" or "jump", var chain] || table.Chains.ContainsKey(chain));

    private Task<T> Answer<T>(Func<T> answer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
            return Failure is null ? Task.FromResult(answer()) : Task.FromException<T>(Failure);
    }
}
