using System.Collections.Concurrent;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>What libvirt tells of domains once only, as an event, and no look at them shows.</summary>
internal sealed class DomainHistory
{
    private readonly ConcurrentDictionary<Guid, int> _restarts = new();

    internal void Happened(Guid domain, string what)
    {
        switch (what)
        {
            case LibvirtStates.Restarted:
                _restarts.AddOrUpdate(domain, 1, (_, count) => count + 1);
                break;
            case LibvirtStates.Undefined:
                _restarts.TryRemove(domain, out _);
                break;
        }
    }

    /// <summary>The domain with what is known of its past.</summary>
    internal ObservedDomain Add(ObservedDomain domain) =>
        _restarts.TryGetValue(domain.Uuid, out var restarts) ? domain with { Restarts = restarts } : domain;
}
