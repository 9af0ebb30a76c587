using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Control;

/// <summary>
/// Orders that lie over the rows of the database until it has them. An order shows where the database's row is one that
/// it is based on; any other row of the database takes it off. Every call returns when readers see its effect.
/// </summary>
public interface IOrderOverlay
{
    /// <summary>Lays an order over its row, in the place of an older one.</summary>
    Task PutAsync(IReadOnlyList<LetGoOrder> orders, CancellationToken cancellation);

    /// <summary>Takes an order off again.</summary>
    /// <param name="order">Does nothing when another lies over the row by now.</param>
    /// <param name="row">What the database has.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    Task WithdrawAsync(LetGoOrder order, object row, CancellationToken cancellation);

    /// <summary>The database knows of the order: what it next says of the row stands, whatever it is.</summary>
    Task SettleAsync(LetGoOrder order, CancellationToken cancellation);
}
