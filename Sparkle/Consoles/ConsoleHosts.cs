using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Http;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>Finds the host whose server has the console of an instance.</summary>
internal sealed class ConsoleHosts(EntityCatalog catalog, ConsoleOptions options)
{
    private readonly Entity _placed = catalog["host_instance"];
    private readonly Entity _hosts = catalog["host"];

    /// <returns>Null when it runs nowhere, or nothing is heard of the host.</returns>
    public HostEndpoint? FindRunning(StateSnapshot snapshot, Guid instance) =>
        RunningOn(snapshot, instance) is { } host ? EndpointOf(snapshot, host) : null;

    /// <exception cref="ProblemException">It runs nowhere, or the host cannot be spoken to.</exception>
    public HostEndpoint RequireRunning(StateSnapshot snapshot, Guid instance) =>
        RequireEndpoint(snapshot, RunningOn(snapshot, instance) ?? throw Off("The instance is off."));

    /// <summary>The host that has the log: where it runs, or did last.</summary>
    /// <exception cref="ProblemException">There is none, or it cannot be spoken to.</exception>
    public HostEndpoint RequireLog(StateSnapshot snapshot, Guid instance)
    {
        var host = RunningOn(snapshot, instance) ?? Places(snapshot, instance).Select(place => (Guid?)place.Host).FirstOrDefault();
        return RequireEndpoint(snapshot, host ?? throw Off("No host has the instance."));
    }

    private Guid? RunningOn(StateSnapshot snapshot, Guid instance)
    {
        foreach (var (host, status) in Places(snapshot, instance))
        {
            if (status is InstanceStatus.Running or InstanceStatus.Paused or InstanceStatus.Stopping or InstanceStatus.Migrating)
                return host;
        }
        return null;
    }

    private IEnumerable<(Guid Host, InstanceStatus? Status)> Places(StateSnapshot snapshot, Guid instance)
    {
        foreach (var row in snapshot[_placed].Where("instance", instance.ToString()))
        {
            if (row.Current is HostInstanceCurrent current)
                yield return (current.Host, current.Status);
            else if (row.Desired is HostInstanceDesired desired)
                yield return (desired.Host, null);
        }
    }

    private HostEndpoint RequireEndpoint(StateSnapshot snapshot, Guid host) =>
        EndpointOf(snapshot, host) ?? throw new ProblemException(new Problem(ProblemKind.Unavailable, "The host of the instance is not heard of.")
        {
            RetryAfter = options.RetryAfter,
        });

    private HostEndpoint? EndpointOf(StateSnapshot snapshot, Guid host) =>
        snapshot[_hosts].Find(RowKey.Of(host))?.Current is HostCurrent { Status: HostStatus.Present } current
            ? HostEndpoint.TryParse(current.TransferEndpoint, current.TransferFingerprint, current.TransferToken)
            : null;

    private static ProblemException Off(string why) => new(ProblemKind.InstanceOff, why);
}
