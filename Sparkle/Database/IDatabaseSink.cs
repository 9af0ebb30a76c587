using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Database;

/// <summary>One step of a committed transaction.</summary>
public abstract record DatabaseChange
{
    private DatabaseChange()
    {
    }

    /// <summary>A row was inserted, updated or deleted. An update of a primary key comes as two steps.</summary>
    public sealed record OfRow(RowChange Change) : DatabaseChange;

    /// <summary>All rows of the table are gone.</summary>
    public sealed record Truncated(Entity Entity) : DatabaseChange;
}

/// <summary>
/// Where the link to the database delivers. Every call returns when readers see its effect, so that whoever waits for a
/// commit can be told then.
/// </summary>
public interface IDatabaseSink
{
    /// <summary>All rows of all stored entities, as one committed state; whatever else memory holds as desired is gone.</summary>
    /// <param name="rows">Read after the epoch was taken.</param>
    /// <param name="epoch">What this controller speaks to hosts with; never lower than one that was delivered before.</param>
    /// <param name="cancellation">Gives up.</param>
    Task LoadedAsync(IReadOnlyList<RowChange> rows, long epoch, CancellationToken cancellation);

    /// <summary>
    /// The epoch was raised between two loads; or null, another controller has taken over: nothing is said to hosts until
    /// the next <see cref="LoadedAsync"/>.
    /// </summary>
    Task EpochChangedAsync(long? epoch, CancellationToken cancellation);

    /// <summary>One transaction, in commit order, whole.</summary>
    Task CommittedAsync(IReadOnlyList<DatabaseChange> changes, CancellationToken cancellation);

    /// <summary>The link is lost; memory stands still until the next <see cref="LoadedAsync"/>.</summary>
    Task LostAsync(string why, CancellationToken cancellation);
}
