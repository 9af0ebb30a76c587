using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Migrations;

/// <summary>What the agent itself knows of the move of an instance, beside what the hypervisor shows.</summary>
/// <param name="Ticket">Destination: what opens its door; null while none does.</param>
/// <param name="IsOpen">Destination: somebody goes through the door, so what comes in may still be on its way.</param>
/// <param name="Progress">Source: how far the sending has come; null while nothing is known of it.</param>
/// <param name="Rate">Source: bytes a second; null while that is not known.</param>
public sealed record MigrationView(string? Ticket = null, bool IsOpen = false, MigrationProgress? Progress = null, long? Rate = null)
{
    /// <summary>Source: what lets its volumes be read; null while nothing does.</summary>
    public string? ReadTicket { get; init; }

    /// <summary>Source: somebody reads its volumes, or has been cut and has not ended yet.</summary>
    public bool IsRead { get; init; }

    public static MigrationView None { get; } = new();

    /// <summary>Without the tickets, so that no log has them.</summary>
    public override string ToString() => $"{(IsOpen ? "open" : "closed")}{(IsRead ? ", read" : "")}, {Progress}";
}
