using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum InstanceState
{
    Running,
    Paused,
    Stopped,
}

public sealed record InstanceDesired
{
    public required Guid Uuid { get; init; }

    [References("tenant")]
    [Immutable]
    public required Guid Tenant { get; init; }

    [Description("Unique within the tenant.")]
    [RegularExpression("^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$")]
    public required string Name { get; init; }

    public InstanceState State { get; init; } = InstanceState.Stopped;

    [Description("Virtual processors.")]
    [Range(1, 512)]
    public int Vcpu { get; init; } = 1;

    [Description("Threads of the host that are reserved for the instance, at most vcpu.")]
    [Range(0, 512)]
    public int Rcpu { get; init; }

    [Description("MiB.")]
    [Range(16, 16_777_216)]
    public required long Mem { get; init; }

    [Description("The processor that the guest sees; absent for the host's own.")]
    [References("cpu_profile")]
    public Guid? CpuProfile { get; init; }

    [Description("Seconds that the guest has to shut down before its power is cut; 0 cuts at once.")]
    [Range(0, 86_400)]
    public int StopTimeout { get; init; } = 60;
}

/// <summary>What an instance is doing, wherever it is.</summary>
public enum InstanceStatus
{
    /// <summary>No host has it, and it is not to run.</summary>
    Unplaced,

    /// <summary>It is to run and no host has it yet, or the host has not reported it yet; <c>why</c> says more.</summary>
    Waiting,
    Defined,
    Starting,
    Running,
    Paused,
    Stopping,
    Stopped,
    Crashed,
    Broken,
}

public sealed record InstanceCurrent
{
    public required Guid Uuid { get; init; }

    public required InstanceStatus Status { get; init; }

    public int? Vcpu { get; init; }

    [Description("MiB.")]
    public long? Mem { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }

    [Description("When the host was last heard of; present while it is silent, and then the status is that old.")]
    public DateTimeOffset? StaleSince { get; init; }
}

public sealed class InstanceDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("instance", "A virtual machine.")
        .KeyedByNewUuid()
        .Stored<InstanceDesired>()
        .Derived<InstanceCurrent>()
        .Index("tenant", "cpu_profile")
        .SentToHost(new HostScope.ReferencedBy("host_instance", "instance"))
        .Mount("/tenant/instance", Access.TenantUser)
        .Build();
}
