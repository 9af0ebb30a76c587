namespace PonyCloud.Twilight.Instances;

/// <summary>
/// What a part of the agent has to do on the host before an instance starts or comes, and after it has gone from here. Of each there may be several.
/// </summary>
public interface IInstancePreparation
{
    /// <summary>Called before each start, and again before each attempt; the domain is off. The start waits for it, and fails if it fails.</summary>
    Task BeforeStartAsync(Guid instance, CancellationToken cancellationToken);

    /// <summary>
    /// Called before each attempt to bring it here from another host while it runs: it will be here without a start. The attempt waits
    /// for it, and fails if it fails.
    /// </summary>
    Task BeforeArrivalAsync(Guid instance, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Called before each attempt to let an instance that came from another host go on here; it stands still, or is off. That waits
    /// for it, and fails if it fails.
    /// </summary>
    Task BeforeGoingOnAsync(Guid instance, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// The instance has gone from this host. Called by the loop that owns all instances, so it returns soon; what cannot be tidied away is
    /// logged and is no reason to hold anything up.
    /// </summary>
    void Forget(Guid instance);
}
