using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>What the host has to tell the controller.</summary>
public abstract record HostOutput
{
    private HostOutput()
    {
    }

    /// <summary>Current parts that changed. The first ones hold everything that the reporter reports.</summary>
    public sealed record Rows(IReadOnlyList<RowChange> Changes) : HostOutput;

    /// <summary>Something happened that somebody may want to know of.</summary>
    /// <param name="Type">What, as a name with dashes.</param>
    /// <param name="Instance">The instance; null when it concerns the host.</param>
    /// <param name="Text">In words.</param>
    public sealed record Notification(string Type, EventSeverity Severity, Guid? Instance, DateTimeOffset Time, string Text)
        : HostOutput;
}
