using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.State;

/// <summary>A row before and after a revision; null where it was or is not there. Never null on both sides.</summary>
public readonly record struct RowTransition(Entity Entity, Row? Before, Row? After)
{
    public RowKey Key => (After ?? Before)!.Key;

    /// <summary>Whether the part changed; rows also change when only the other part does.</summary>
    public bool Changed(RowPart part) => !Equals(Before?.Part(part), After?.Part(part));
}

/// <summary>Everything that one revision changed, visible to readers all at once.</summary>
/// <param name="Before">The state that was.</param>
/// <param name="After">The state that is.</param>
/// <param name="Rows">One transition per changed row; no row whose parts are equal before and after.</param>
public sealed record ChangeSet(StateSnapshot Before, StateSnapshot After, IReadOnlyList<RowTransition> Rows)
{
    public bool IsEmpty => Rows.Count == 0;

    /// <summary>All desired rows were read anew: one that is gone was not seen to be deleted, it is missing.</summary>
    public bool IsReload { get; init; }
}
