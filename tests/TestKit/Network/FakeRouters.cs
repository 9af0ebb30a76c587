using System.Collections.Immutable;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;

namespace PonyCloud.TestKit.Network;

/// <summary>Routers that have their rules in memory.</summary>
public sealed class FakeRouters : IRouters
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly HashSet<Guid> _withoutNamespace = [];

    /// <summary>The rules of the host's namespace; null for none.</summary>
    public string? HostRules { get; private set; }

    /// <summary>By switch.</summary>
    public ImmutableSortedDictionary<Guid, string> NamespaceRules { get; private set; } = ImmutableSortedDictionary<Guid, string>.Empty;

    /// <summary>What is answered for, and on which link.</summary>
    public ImmutableHashSet<(string Link, string Address)> Answered { get; private set; } = [];

    /// <summary>What keeps the host's rules from being set, in words; null for nothing.</summary>
    public string? Refusal { get; set; }

    /// <summary>Whether the switch has a namespace; every one has until this says otherwise.</summary>
    public void SetNamespace(Guid @switch, bool isThere)
    {
        lock (_gate)
        {
            if (isThere)
                _withoutNamespace.Remove(@switch);
            else
                _withoutNamespace.Add(@switch);
        }
    }

    public Task<string?> PrepareAsync(RoutingOrders wanted, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (Refusal is null)
                HostRules = wanted.HostRules;
            return Task.FromResult(Refusal);
        }
    }

    public async Task<RoutingReport> ApplyAsync(RoutingOrders wanted, CancellationToken cancellationToken)
    {
        var world = await PrepareAsync(wanted, cancellationToken);
        lock (_gate)
        {
            var problems = wanted.NamespaceRules.Keys.Where(_withoutNamespace.Contains)
                .ToImmutableSortedDictionary(one => one, one => $"Nothing is routed: there is no namespace {LinkNames.Namespace(one)}.");
            NamespaceRules = wanted.NamespaceRules.RemoveRange(problems.Keys);
            if (world is null)
            {
                var ready = wanted.Floating.RemoveRange(problems.Keys).Values.SelectMany(addresses => addresses);
                Answered = wanted.World is { } link ? [.. ready.Select(address => (link.Name, address))] : [];
            }
            var isIdle = wanted.NamespaceRules.IsEmpty && wanted.HostRules is null && world is null;
            return new RoutingReport(problems, world, isIdle ? null : Pace);
        }
    }
}
