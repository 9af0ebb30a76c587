using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>The exchange with one Twilight process, known by its routing id: both directions of replication.</summary>
internal sealed class HostSession(HostLink link, PeerId peer, DesiredFeed feed, ReplicationReceiver receiver)
{
    /// <summary>The host that the process speaks for, or claims to.</summary>
    public HostLink Link { get; } = link;

    public PeerId Peer { get; } = peer;

    /// <summary>What the host is sent.</summary>
    public DesiredFeed Feed { get; } = feed;

    /// <summary>What the host reports.</summary>
    public ReplicationReceiver Receiver { get; } = receiver;

    /// <summary>Whether this process speaks for the host.</summary>
    public bool IsHolder => Link.Holder == this;

    public TimeSpan LastHeard { get; set; }

    public TimeSpan LastSent { get; set; }
}
