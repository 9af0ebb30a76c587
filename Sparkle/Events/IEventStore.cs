using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Events;

/// <summary>Keeps events.</summary>
public interface IEventStore
{
    /// <summary>Adds the occurrences to the events that are there: counts add up, the newest time and data stand.</summary>
    /// <exception cref="Database.DatabaseUnavailableException">Nothing was written.</exception>
    Task RecordAsync(IReadOnlyList<EventDesired> occurrences, CancellationToken cancellation);
}
