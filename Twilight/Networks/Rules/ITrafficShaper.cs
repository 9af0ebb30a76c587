using System.Collections.Immutable;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>What guests receive at most, behind tc.</summary>
/// <remarks>All calls throw <see cref="NetworkException"/> and <see cref="OperationCanceledException"/>.</remarks>
public interface ITrafficShaper
{
    /// <summary>Mbit/s by tap, of those that the platform limits.</summary>
    Task<IReadOnlyDictionary<string, int>> ScanAsync(CancellationToken cancellationToken);

    /// <summary>What concerns a tap that is not there fails; the rest is done all the same.</summary>
    Task ApplyAsync(ShapingPlan plan, CancellationToken cancellationToken);
}

/// <summary>The smallest change of limits.</summary>
/// <param name="Limits">Mbit/s by tap: new ones and other ones.</param>
/// <param name="Unlimited">Taps that receive what there is.</param>
public sealed record ShapingPlan(ImmutableArray<KeyValuePair<string, int>> Limits, ImmutableArray<string> Unlimited)
{
    public bool IsEmpty => Limits.IsEmpty && Unlimited.IsEmpty;

    /// <param name="wanted">Mbit/s by tap, of those that are there.</param>
    public static ShapingPlan Between(IReadOnlyDictionary<string, int> applied, IReadOnlyDictionary<string, int> wanted) => new(
        [.. wanted.Where(limit => !applied.TryGetValue(limit.Key, out var mbit) || mbit != limit.Value).OrderBy(limit => limit.Key, StringComparer.Ordinal)],
        [.. applied.Keys.Where(tap => !wanted.ContainsKey(tap)).Order(StringComparer.Ordinal)]);
}
