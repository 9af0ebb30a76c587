using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>The exchange with one Twilight process, known by its routing id: both directions of replication.</summary>
internal sealed class HostSession(Guid host, PeerId peer, DesiredFeed feed, ReplicationReceiver receiver)
{
    public Guid Host { get; } = host;

    public PeerId Peer { get; } = peer;

    /// <summary>What the host is sent.</summary>
    public DesiredFeed Feed { get; } = feed;

    /// <summary>What the host reports.</summary>
    public ReplicationReceiver Receiver { get; } = receiver;

    public TimeSpan LastHeard { get; set; }

    public TimeSpan LastSent { get; set; }

    /// <summary>When the answer to a resync request is overdue, and somebody else may be asked; null when none is awaited.</summary>
    public TimeSpan? TurnEnds { get; set; }

    /// <summary>Whether a resync request waits for its turn.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The session is over: nothing is sent to it any more.</summary>
    public bool IsOver { get; set; }
}
