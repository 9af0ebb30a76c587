using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Outage;

/// <summary>Who gives an order.</summary>
/// <param name="User">The email address.</param>
/// <param name="Tenant">The tenant that the token is for; null for a token of the user's own.</param>
public sealed record OrderGiver(string User, string? Tenant);

/// <summary>Orders that are on the disk, and lie over what the database had.</summary>
/// <param name="At">When they were taken.</param>
/// <param name="Rows">Their rows, and whether it was an older order that was withdrawn.</param>
public sealed record TakenOrders(DateTimeOffset At, IReadOnlyList<(RowWrite.Update Change, bool IsWithdrawn)> Rows);

/// <summary>A request that its sender may repeat.</summary>
/// <param name="Key">What the sender calls it.</param>
/// <param name="Answer">What it is answered when its orders are taken, JSON.</param>
public sealed record RepeatableRequest(RequestKey Key, Func<TakenOrders, string> Answer);

/// <summary>Takes orders that the database did not.</summary>
public interface ILetGoDesk
{
    /// <summary>
    /// Takes the changes if each of them lets go, or withdraws such an order that nobody began to write. Returns when all of
    /// them are on the disk and readers see them.
    /// </summary>
    /// <param name="changes">What is ordered, with the rows that it was ordered about.</param>
    /// <param name="giver">Who orders it.</param>
    /// <param name="mayStand">The database was asked and did not answer, so it may have them.</param>
    /// <param name="request">Is kept with them; null for a request that is not to be repeated.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>Null when they are no such orders, or none can be taken now; nothing was done then.</returns>
    /// <exception cref="ConcurrentChangeException">A row is no longer as expected; nothing was done.</exception>
    /// <exception cref="JournalException">The disk did not take them.</exception>
    Task<TakenOrders?> TakeAsync(
        IReadOnlyList<RowWrite> changes, OrderGiver giver, bool mayStand, RepeatableRequest? request, CancellationToken cancellation);

    /// <summary>What is kept of a request whose orders were taken here, and of which the database does not know yet.</summary>
    /// <exception cref="JournalException">The disk does not answer.</exception>
    Task<KeptAnswer?> FindAsync(RequestKey key, CancellationToken cancellation);
}
