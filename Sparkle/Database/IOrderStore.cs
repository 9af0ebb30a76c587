using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Database;

/// <summary>What the database made of an order that had waited for it.</summary>
public abstract record OrderOutcome
{
    private OrderOutcome()
    {
    }

    /// <summary>The row is as ordered, now or already.</summary>
    public sealed record Done : OrderOutcome;

    /// <summary>There is no such row any more.</summary>
    public sealed record Moot : OrderOutcome;

    /// <summary>The row is neither as the order found it nor as it would have it; it was left alone.</summary>
    public sealed record Overtaken(object Found) : OrderOutcome;

    /// <summary>A rule of the schema refuses the order.</summary>
    public sealed record Refused(object Found, string Constraint) : OrderOutcome;

    /// <summary>Others hold the row; the order is to be tried again.</summary>
    public sealed record Held(string Why) : OrderOutcome;
}

/// <summary>Brings orders into the database that were taken while it was away.</summary>
public interface IOrderStore
{
    /// <summary>
    /// Carries the order out, if the row is still as the order found it, and never twice. It does not matter whether the
    /// change stream runs. When this returns, the outcome is durable.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException">
    /// The database cannot be reached, or did not answer, so that the order may have been carried out; to be tried again.
    /// </exception>
    Task<OrderOutcome> WriteAsync(LetGoOrder order, CancellationToken cancellation);

    /// <summary>Keeps a request whose orders are in the journal, so that it is not carried out when it is repeated.</summary>
    /// <exception cref="RequestUnderWayException">Another transaction under this key takes too long; to be tried again.</exception>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached; to be tried again.</exception>
    Task KeepAsync(JournaledRequest request, CancellationToken cancellation);

    /// <summary>Forgets that these orders were carried out; to be called when nobody has them any more.</summary>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached; they are forgotten some time later.</exception>
    Task ForgetAsync(IReadOnlyList<Guid> orders, CancellationToken cancellation);
}

/// <summary>The orders that have to be in the database before anything is loaded from it.</summary>
public interface IWaitingOrders
{
    /// <summary>Brings all of them to the database that it takes; those that others hold up stay.</summary>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached.</exception>
    Task WriteAllAsync(CancellationToken cancellation);
}
