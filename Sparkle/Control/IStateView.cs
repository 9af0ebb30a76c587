using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Control;

/// <summary>Whether memory follows the database, and since when it does or does not.</summary>
public sealed record DatabaseLink(bool IsUp, DateTimeOffset Since, string? Why = null);

/// <summary>What every room of the controller may read at any time, without a lock.</summary>
public interface IStateView
{
    /// <summary>The newest state; null until the database has been loaded for the first time.</summary>
    StateSnapshot? Snapshot { get; }

    DatabaseLink Database { get; }

    /// <summary>
    /// What this controller speaks to hosts with; they obey no lower one than they have heard. Null before the first load
    /// and after another controller has taken over: nothing may be said to hosts then. Otherwise it only rises.
    /// </summary>
    long? Epoch { get; }
}
