using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>A plan that is being made, and what the kernel will have after what it has so far.</summary>
internal sealed class PlanDraft(NetworkState actual, NetworkState wanted)
{
    private readonly List<NetworkStep> _steps = [];
    private readonly List<Obstacle> _obstacles = [];
    private readonly HashSet<(string Space, string Link)> _obstructed = [];

    public KernelModel Model { get; } = new(actual);

    public NetworkState Wanted => wanted;

    public NetworkPlan Plan => new(_steps, _obstacles);

    /// <summary>Adds the step; one that the kernel would refuse becomes an obstacle instead.</summary>
    public bool Add(NetworkStep step, string link)
    {
        try
        {
            Model.Apply(step);
        }
        catch (NetworkException refusal)
        {
            // Only what is wanted and contradicts itself comes here.
            Obstruct(step.Namespace, link, $"The kernel would refuse it: {StepText.Of(step)}: {refusal.Message}");
            return false;
        }
        _steps.Add(step);
        return true;
    }

    /// <summary>Leaves a link, and whatever is on it, as it is.</summary>
    public void Obstruct(string space, string link, string why)
    {
        if (_obstructed.Add((space, link)))
            _obstacles.Add(new Obstacle(space, link, why));
    }

    public bool IsObstructed(string space, string link) => _obstructed.Count > 0 && _obstructed.Contains((space, link));

    public bool HasObstacles => _obstructed.Count > 0;

    /// <summary>What is wanted of a link; null when nothing is.</summary>
    public Link? WantedLink(string space, string link) =>
        wanted.Namespaces.TryGetValue(space, out var state) ? state.Links.GetValueOrDefault(link) : null;

    /// <summary>What is there of a link by now.</summary>
    public Link? Find(string space, string link) => Model.Find(space)?.Links.GetValueOrDefault(link);

    /// <summary>Whether the platform made it, and nobody else gave the other end of a cable, which goes with it, an alias.</summary>
    public bool IsOurs(string space, Link link) =>
        Ownership.IsOurs(space, link)
        && (link.Veth is not { } cable || Find(cable.PeerNamespace, cable.Peer) is not { IsOurs: false, Alias.Length: > 0 });
}
