using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Http;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>The host that keeps a volume, and where it is reached.</summary>
public sealed record Keeper(Guid Host, HostEndpoint Endpoint);

/// <summary>Finds the keeper of a volume in a snapshot.</summary>
public sealed class KeeperFinder(EntityCatalog catalog, TransferOptions options)
{
    private readonly Entity _kept = catalog["host_volume"];
    private readonly Entity _hosts = catalog["host"];

    /// <summary>The host that is to keep the volume; null when none is.</summary>
    public Guid? HostOf(StateSnapshot snapshot, Guid volume)
    {
        foreach (var row in snapshot[_kept].Where("volume", volume.ToString()))
        {
            if (row.Desired is HostVolumeDesired kept)
                return kept.Host;
        }
        return null;
    }

    /// <exception cref="ProblemException">There is none, or it cannot be spoken to.</exception>
    public Keeper Find(StateSnapshot snapshot, Guid volume)
    {
        if (HostOf(snapshot, volume) is not { } host)
            throw Refused("No host keeps the volume yet.");
        if (snapshot[_hosts].Find(RowKey.Of(host))?.Current is not HostCurrent { Status: HostStatus.Present } current)
            throw Refused("The host that keeps the volume is not heard of.");
        return HostEndpoint.TryParse(current.TransferEndpoint, current.TransferFingerprint, current.TransferToken) is { } endpoint
            ? new Keeper(host, endpoint)
            : throw Refused("The host that keeps the volume transfers no contents.");
    }

    private ProblemException Refused(string why) => new(new Problem(ProblemKind.Unavailable, why) { RetryAfter = options.RetryAfter });
}
