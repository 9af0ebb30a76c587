using System.Collections.Immutable;
using System.Globalization;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>The whole of the table, as it is to be.</summary>
public sealed record FilterRules(IReadOnlyDictionary<string, FilterSet> Sets, IReadOnlyDictionary<string, FilterChain> Chains)
{
    public const string Family = "bridge";
    public const string Table = "ponycloud";

    private const string VersionPrefix = "version_";

    /// <summary>No table.</summary>
    public static FilterRules None { get; } = new(ImmutableDictionary<string, FilterSet>.Empty, ImmutableDictionary<string, FilterChain>.Empty);

    /// <summary>What a look at the kernel finds once this is applied.</summary>
    public AppliedRules Applied => new(
        Sets.ToDictionary(set => set.Key, set => set.Value.Elements, StringComparer.Ordinal),
        Chains.ToDictionary(chain => chain.Key, chain => chain.Value.Digest, StringComparer.Ordinal));

    /// <summary>Whether a chain says of which shape the table is: what cannot be changed while it is there.</summary>
    internal static bool IsVersion(string chain) => chain.StartsWith(VersionPrefix, StringComparison.Ordinal);

    /// <summary>The name of the chain for sets that are always there and for the base chains.</summary>
    internal static string Version(IEnumerable<FilterSet> sets, IEnumerable<FilterChain> chains) =>
        VersionPrefix + RuleDigest.Of(string.Join('\n', [.. sets.Select(set => set.Declaration), .. chains.Select(chain => chain.Hook)]));
}

/// <param name="IsMap">Whether elements have a value.</param>
/// <param name="Declaration">What is in the braces, but for the elements.</param>
/// <param name="Elements">By key as nft writes it; of a set the values are empty.</param>
public sealed record FilterSet(bool IsMap, string Declaration, IReadOnlyDictionary<string, string> Elements);

/// <param name="Hook">Where the kernel calls it; null if other chains do.</param>
/// <param name="Rules">As nft writes them, in their order.</param>
public sealed record FilterChain(string? Hook, ImmutableArray<string> Rules)
{
    /// <summary>The digests of the rules.</summary>
    public string Digest { get; } = string.Join(' ', Rules.Select(RuleDigest.Of));
}

/// <summary>The table as a look at the kernel finds it.</summary>
/// <param name="Sets">The elements of sets and maps.</param>
/// <param name="Chains">The digests of their rules.</param>
public sealed record AppliedRules(
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Sets, IReadOnlyDictionary<string, string> Chains)
{
    /// <summary>No table.</summary>
    public static AppliedRules None { get; } = FilterRules.None.Applied;
}

/// <summary>A rule in a few letters, which stand in its comment: FNV-1a. Whoever can change rules needs no collision.</summary>
internal static class RuleDigest
{
    private const ulong Basis = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    public static string Of(string rule)
    {
        var hash = Basis;
        foreach (var letter in rule)
            hash = (hash ^ letter) * Prime;
        return hash.ToString("x16", CultureInfo.InvariantCulture);
    }
}
