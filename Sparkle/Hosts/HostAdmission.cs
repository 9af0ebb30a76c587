using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>Who may speak for a host: whoever proved to hold the key that the host is declared with. Pure.</summary>
public sealed class HostAdmission(EntityCatalog catalog)
{
    private readonly Entity _host = catalog["host"];

    /// <summary>Whether a sender may speak for a host, from what is declared now.</summary>
    /// <param name="uuid">The host that a message claims to be from.</param>
    /// <param name="origin">Who sent it; null where nobody proved anything, which is as good as another key.</param>
    /// <returns>Null when it may; else why not.</returns>
    public HostRefusal? Judge(StateSnapshot state, Guid uuid, PeerOrigin? origin) => state[_host].Find(uuid)?.Desired switch
    {
        not HostDesired => HostRefusal.Undeclared,
        HostDesired { State: HostState.Gone } => HostRefusal.Gone,
        HostDesired { AgentKey: null } => HostRefusal.WithoutKey,
        HostDesired { AgentKey: var key } => key == origin?.Key ? null : HostRefusal.OtherKey,
    };

    /// <summary>
    /// The declared host in whose name, or with whose key, a message was refused: either somebody claims a host without
    /// its key, or a host claims to be another one. Null when the message has nothing to do with any host's key.
    /// </summary>
    public Guid? Impersonated(StateSnapshot state, Guid uuid, PeerOrigin origin, HostRefusal refusal)
    {
        if (refusal == HostRefusal.OtherKey)
            return uuid;
        var owner = state[_host].Where("agent_key", origin.Key).FirstOrDefault();
        return owner?.Desired is HostDesired host && host.Uuid != uuid ? host.Uuid : null;
    }
}
