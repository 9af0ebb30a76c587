using System.Collections.Concurrent;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>What the hypervisor tells of guests that changes nothing of their state, and that somebody may want to know of all the same.</summary>
/// <remarks>Added to on any thread, taken from by one loop. What is told of more often than anybody looks is told once.</remarks>
internal sealed class GuestEvents
{
    private readonly ConcurrentDictionary<(Guid Domain, string What), byte> _told = new();

    internal void Add(HypervisorEvent happened)
    {
        if (happened is HypervisorEvent.DomainChanged { What: "watchdog reset" } changed)
            _told.TryAdd((changed.Domain, changed.What), 0);
    }

    /// <summary>What is to be told of domains of ours, once.</summary>
    internal IEnumerable<(string Type, EventSeverity Severity, Guid Instance, string Text)> Take(DomainScan scan)
    {
        foreach (var told in _told.Keys)
        {
            _told.TryRemove(told, out _);
            if (scan.Domains.FirstOrDefault(domain => domain.Uuid == told.Domain) is { } domain && DomainMetadata.Of(domain) is not null)
                yield return ("instance-watchdog", EventSeverity.Warning, told.Domain, "The guest no longer fed its watchdog, which reset it.");
        }
    }
}
