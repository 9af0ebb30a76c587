using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Control;

/// <summary>
/// A room of the controller that takes part in the control loop. All calls come from the loop, one at a time, so a
/// feature needs no lock for what only it touches; and none of them may block.
/// </summary>
public interface IControlFeature
{
    /// <summary>
    /// Current state that follows from a change, such as what an instance does from what its host reports. Called again
    /// with what all features derived, until nothing more follows.
    /// </summary>
    IEnumerable<RowChange> Derive(ChangeSet changes) => [];

    /// <summary>Readers now see the change and all that followed from it; the time to tell the world outside.</summary>
    void Settled(ChangeSet changes)
    {
    }

    /// <summary>A message came, or one could not be delivered.</summary>
    IEnumerable<RowChange> Receive(TransportEvent transportEvent) => [];

    /// <summary>Time has passed.</summary>
    /// <param name="now">Monotonic; comparable only with other values of the same run.</param>
    IEnumerable<RowChange> Tick(TimeSpan now) => [];
}

/// <summary>Brings the end of background work back into the control loop.</summary>
public interface IControlQueue
{
    /// <summary>Runs the action in the loop, soon.</summary>
    void Post(Action action);
}
