using System.Collections.Immutable;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.TestKit.Network;

/// <summary>Limits in memory.</summary>
public sealed class FakeTrafficShaper : ITrafficShaper
{
    private readonly Lock _lock = new();
    private ImmutableDictionary<string, int> _limits = ImmutableDictionary.Create<string, int>(StringComparer.Ordinal);

    /// <summary>The taps that are there; null for whichever are asked for.</summary>
    public IReadOnlySet<string>? Taps { get; set; }

    public Task<IReadOnlyDictionary<string, int>> ScanAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
            return Task.FromResult<IReadOnlyDictionary<string, int>>(_limits);
    }

    public Task ApplyAsync(ShapingPlan plan, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            _limits = _limits.RemoveRange(plan.Unlimited).SetItems(plan.Limits.Where(limit => IsThere(limit.Key)));
            return plan.Limits.FirstOrDefault(limit => !IsThere(limit.Key)).Key is { } missing
                ? Task.FromException(new NetworkException($"The limits of cards: there is no {missing}."))
                : Task.CompletedTask;
        }
    }

    private bool IsThere(string tap) => Taps?.Contains(tap) ?? true;
}
