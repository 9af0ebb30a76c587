using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// The exchange with one Twilight process, known by its routing id. Both directions of replication, and what this
/// process has been sent.
/// </summary>
internal sealed class HostSession(Guid host, PeerId peer, IEntropy entropy)
{
    public Guid Host { get; } = host;

    public PeerId Peer { get; } = peer;

    public ReplicationReceiver Receiver { get; } = new(entropy.NextId());

    public ReplicationSender Sender { get; } = new(entropy.NextId());

    /// <summary>The desired rows that the host has if it received everything sent since the last snapshot.</summary>
    public Dictionary<(Entity Entity, RowKey Key), object> Sent { get; set; } = [];

    public TimeSpan LastHeard { get; set; }

    public TimeSpan LastSent { get; set; }
}
