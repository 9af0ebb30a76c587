namespace PonyCloud.Twilight.Hypervisor;

/// <summary>What a domain that is on has used since it started.</summary>
public sealed record DomainStatistics
{
    public required Guid Uuid { get; init; }

    public required string Name { get; init; }

    public TimeSpan ProcessorTime { get; init; }

    /// <summary>What its guest has, bytes.</summary>
    public ulong Memory { get; init; }

    /// <summary>What its emulator holds of the host's memory, bytes.</summary>
    public ulong ResidentMemory { get; init; }

    /// <summary>All its disks together.</summary>
    public Traffic DiskRead { get; init; }

    public Traffic DiskWritten { get; init; }

    /// <summary>All its network cards together, as the guest sees it.</summary>
    public Traffic NetworkReceived { get; init; }

    public Traffic NetworkSent { get; init; }
}

/// <param name="Units">Requests or packets.</param>
public readonly record struct Traffic(ulong Bytes, ulong Units);
