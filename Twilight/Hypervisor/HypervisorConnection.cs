namespace PonyCloud.Twilight.Hypervisor;

/// <summary>Whether the hypervisor answers. Immutable; while it does not, what its domains do is unknown, not nothing.</summary>
public sealed record HypervisorConnection
{
    public required bool IsConnected { get; init; }

    /// <summary>Name and version such as <c>QEMU 7.2.0</c>; null while not connected.</summary>
    public string? Version { get; init; }

    /// <summary>Why there is no connection, in words; null while there is one.</summary>
    public string? Why { get; init; }

    public static HypervisorConnection Up(string version) => new() { IsConnected = true, Version = version };

    public static HypervisorConnection Down(string why) => new() { IsConnected = false, Why = why };
}

/// <summary>What a hypervisor has to tell.</summary>
public abstract record HypervisorEvent
{
    private HypervisorEvent()
    {
    }

    /// <summary>The connection came or went.</summary>
    public sealed record ConnectionChanged(HypervisorConnection Connection) : HypervisorEvent;

    /// <summary>A domain was defined, started, stopped or the like, or got or lost a device.</summary>
    public sealed record DomainChanged(Guid Domain, string What) : HypervisorEvent;

    /// <summary>A call that was given up has ended after all.</summary>
    public sealed record CallSettled(Guid Domain) : HypervisorEvent;
}
