using System.Collections.Concurrent;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>What libvirt tells of domains once only, as an event, and no look at them shows.</summary>
internal sealed class DomainHistory
{
    private readonly ConcurrentDictionary<Guid, Past> _pasts = new();

    internal void Happened(Guid domain, string what)
    {
        if (what == LibvirtStates.Undefined)
        {
            _pasts.TryRemove(domain, out _);
            return;
        }
        var before = _pasts.GetValueOrDefault(domain);
        var after = what switch
        {
            LibvirtStates.Restarted => before with { Restarts = before.Restarts + 1 },
            LibvirtStates.Started or LibvirtStates.Resumed => before with { Cause = DomainCause.None },
            _ => LibvirtStates.CauseOf(what) is { } cause ? before with { Cause = cause } : before,
        };
        // Events come on one thread.
        if (after != before)
            _pasts[domain] = after;
    }

    /// <summary>The domain with what is known of its past.</summary>
    internal ObservedDomain Add(ObservedDomain domain) => _pasts.TryGetValue(domain.Uuid, out var past)
        ? domain with { Restarts = past.Restarts, Cause = domain.State == DomainState.Running ? DomainCause.None : past.Cause }
        : domain;

    private readonly record struct Past(int Restarts, DomainCause Cause);
}
