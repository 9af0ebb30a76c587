using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

public sealed record LibvirtOptions
{
    /// <summary>Such as <c>qemu:///system</c> or <c>qemu+unix:///system?socket=/run/libvirt/libvirt-sock</c>.</summary>
    public required string Uri { get; init; }

    /// <summary>Longest wait for an answer that takes no work: connecting, scanning, pausing and the like.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for a domain to start.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Longest wait for a storage pool, whose server may be away.</summary>
    public TimeSpan PoolTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time that the copying of a domain may take.</summary>
    public TimeSpan MigrationTimeout { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Longest wait until a copying has heard that it is broken off. At its very end it does not listen while the other side is silent: then
    /// only an end of its connections ends it, which whoever made them can bring about.
    /// </summary>
    public TimeSpan BreakOffTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest wait for an answer of an agent in a guest. libvirt itself gives it <see cref="GuestAgent.ResponseSeconds"/>.</summary>
    public TimeSpan AgentTimeout { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest wait for the turn to ask an agent: whatever it is asked for can be had in another way, or later.</summary>
    public TimeSpan AgentQueueTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest wait for a call's turn, while others are in flight.</summary>
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Seconds between keepalive messages; after <see cref="KeepAliveCount"/> without an answer the connection is lost.</summary>
    public int KeepAliveSeconds { get; init; } = 5;

    public int KeepAliveCount { get; init; } = 3;

    public Backoff ReconnectBackoff { get; init; } = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(10));
}
