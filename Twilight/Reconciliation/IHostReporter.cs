using System.Threading.Channels;
using PonyCloud.Shared.State;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// A loop of the agent that looks at one side of the host (its instances, its disks, …) and reports what is. What all of
/// them report makes the host's report (<see cref="JointReport"/>).
/// </summary>
/// <remarks>
/// The host says nothing before each reporter was complete once. So one that cannot look reports without rows rather than
/// never, unless the absence of its rows would be acted upon.
/// </remarks>
public interface IHostReporter
{
    /// <summary>
    /// Changed rows and notifications, in order. The first <see cref="HostOutput.Rows"/> are complete and may be empty;
    /// after them come only changes. No other reporter reports rows of the same entities. Completed when the loop has
    /// ended. Whoever reads must keep reading: rows are deltas, so none may be dropped, and the channel has no bound.
    /// </summary>
    ChannelReader<HostOutput> Output { get; }

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the only way out.</exception>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>A reporter that also makes its side of the host be as ordered.</summary>
public interface IHostReconciler : IHostReporter
{
    /// <summary>
    /// A new desired state. Call it only with a complete one, first when the first snapshot of the controller has been
    /// applied: what is not in it is removed. From any thread; never blocks.
    /// </summary>
    /// <param name="replica">The host's rows.</param>
    /// <param name="released">
    /// Instances whose removal the controller ordered by name; null when it does not name removals, and absence is the order.
    /// </param>
    void DesiredChanged(StateSnapshot replica, IReadOnlySet<Guid>? released);
}
