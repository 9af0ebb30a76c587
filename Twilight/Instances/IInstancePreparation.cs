namespace PonyCloud.Twilight.Instances;

/// <summary>
/// What a part of the agent has to do on the host before an instance starts, and after it has gone from here. Of each there may be several.
/// </summary>
public interface IInstancePreparation
{
    /// <summary>Called before each start, and again before each attempt; the domain is off. The start waits for it, and fails if it fails.</summary>
    Task BeforeStartAsync(Guid instance, CancellationToken cancellationToken);

    /// <summary>
    /// The instance has gone from this host. Called by the loop that owns all instances, so it returns soon; what cannot be tidied away is
    /// logged and is no reason to hold anything up.
    /// </summary>
    void Forget(Guid instance);
}
