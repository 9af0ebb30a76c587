namespace PonyCloud.Shared.Reconciliation;

/// <summary>What a pass of a <see cref="ReconcilerLoop"/> asks for.</summary>
/// <param name="WakeAfter">Look again after this time even if nothing happens; null when only the safety interval applies.</param>
/// <param name="WakeReason">Why, for the log; one of few texts, without names of single things in it.</param>
public readonly record struct ReconcileResult(TimeSpan? WakeAfter, string? WakeReason)
{
    /// <summary>Nothing is due.</summary>
    public static ReconcileResult Settled => default;
}
