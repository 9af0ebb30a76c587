using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Networks.Working;

/// <summary>Keeps the packet filter as the layout wants it. Owned by the loop of the network.</summary>
public sealed class FilterDesk(IPacketFilter filter, ITrafficShaper shaper)
{
    private FilterAbilities? _abilities;
    private AppliedRules? _applied;
    private IReadOnlyDictionary<string, int>? _limits;
    private FilterInput _input = new();

    /// <summary>What cards in groups suffer from, in words.</summary>
    public string? Why => _input.Cards.Any(card => card.Groups.Count > 0) ? _abilities?.Why : null;

    /// <summary>Asks the kernel again what is applied, in case somebody else changed it.</summary>
    public void Doubt() => (_applied, _limits) = (null, null);

    /// <summary>Makes the filter be as the layout wants it.</summary>
    /// <exception cref="NetworkException">The filter is as it was.</exception>
    public async Task ApplyAsync(SwitchOrders orders, NetworkLayout layout, CancellationToken cancellationToken)
    {
        _abilities ??= await filter.AbilitiesAsync(cancellationToken);
        _applied ??= await filter.ScanAsync(cancellationToken);
        var input = FilterScene.Of(orders, layout, _input, _abilities.TracksConnections);
        // A host without switches needs no table, and one that is there goes.
        var rules = input.Switches.Count == 0 ? FilterRules.None : FilterLayout.Of(input);
        var plan = FilterPlan.Between(_applied, rules);
        if (!plan.IsEmpty)
        {
            _applied = null;
            await filter.ApplyAsync(plan, cancellationToken);
            _applied = rules.Applied;
        }
        _input = input;
    }

    /// <summary>Limits what guests receive, once their taps are there.</summary>
    /// <exception cref="NetworkException">Some limits are not as ordered.</exception>
    public async Task ShapeAsync(NamespaceState here, CancellationToken cancellationToken)
    {
        var wanted = _input.Cards.Where(card => card.InMbit is not null && here.Links.ContainsKey(card.Tap))
            .ToDictionary(card => card.Tap, card => card.InMbit!.Value, StringComparer.Ordinal);
        if (wanted.Count == 0 && _limits is not { Count: > 0 })
            return;
        _limits ??= await shaper.ScanAsync(cancellationToken);
        var plan = ShapingPlan.Between(_limits.Where(limit => here.Links.ContainsKey(limit.Key)).ToDictionary(StringComparer.Ordinal), wanted);
        if (plan.IsEmpty)
            return;
        _limits = null;
        await shaper.ApplyAsync(plan, cancellationToken);
        _limits = wanted;
    }

    /// <summary>By tap.</summary>
    /// <exception cref="NetworkException">They could not be read.</exception>
    public async Task<IReadOnlyDictionary<string, CardCounters>> CountAsync(CancellationToken cancellationToken) =>
        _input.Cards.Count == 0 ? new Dictionary<string, CardCounters>() : await filter.CountAsync(cancellationToken);
}
