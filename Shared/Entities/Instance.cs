using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum InstanceState
{
    Running,
    Paused,

    [LetsGo]
    Stopped,
}

/// <summary>What an instance starts from first; the others follow in this order.</summary>
public enum InstanceBoot
{
    Disk,
    Network,
    Cdrom,
}

/// <summary>When an instance that ended by itself, while it is to run, is started again.</summary>
public enum InstanceRestart
{
    Always,

    /// <summary>When it crashed, not when its guest turned it off.</summary>
    OnCrash,
    Never,
}

/// <summary>What happens when the guest stops feeding the watchdog.</summary>
public enum InstanceWatchdog
{
    /// <summary>It has no watchdog.</summary>
    None,
    Reset,
    PowerOff,

    /// <summary>It stands still, for somebody to look at it.</summary>
    Pause,
}

public enum InstanceFirmware
{
    Bios,
    Uefi,
}

public sealed record InstanceDesired
{
    public required Guid Uuid { get; init; }

    [Description("Whose it is; absent for a template that everybody may use.")]
    [References("tenant")]
    [Immutable]
    public Guid? Tenant { get; init; }

    [Description("Unique within the tenant.")]
    [RegularExpression("^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$")]
    public required string Name { get; init; }

    public InstanceState State { get; init; } = InstanceState.Stopped;

    [Description("A pattern to make instances of: it never runs and is on no host.")]
    [Immutable]
    public bool Template { get; init; }

    [Description("Virtual processors.")]
    [Range(1, 512)]
    public int Vcpu { get; init; } = 1;

    [Description("Threads of the host that are reserved for the instance, at most vcpu.")]
    [Range(0, 512)]
    public int Rcpu { get; init; }

    [Description("MiB.")]
    [Range(16, 16_777_216)]
    public required long Mem { get; init; }

    [Description("As many virtual processors as vcpu can become while it runs; absent for no more than vcpu.")]
    [Range(1, 512)]
    public int? VcpuMax { get; init; }

    [Description("As much memory as mem can become while it runs, MiB; absent for no more than mem.")]
    [Range(16, 16_777_216)]
    public long? MemMax { get; init; }

    [Description("What starts it before its own system does.")]
    public InstanceFirmware Firmware { get; init; } = InstanceFirmware.Bios;

    [Description("The processor that the guest sees; absent for the host's own.")]
    [References("cpu_profile")]
    public Guid? CpuProfile { get; init; }

    [Description("Seconds that the guest has to shut down before its power is cut; 0 cuts at once.")]
    [Range(0, 86_400)]
    public int StopTimeout { get; init; } = 60;

    [Description("What it starts from first.")]
    public InstanceBoot Boot { get; init; } = InstanceBoot.Disk;

    [Description("What becomes of it when it ends by itself while it is to run.")]
    public InstanceRestart Restart { get; init; } = InstanceRestart.Always;

    [Description("What becomes of it when its guest stops feeding the watchdog.")]
    public InstanceWatchdog Watchdog { get; init; } = InstanceWatchdog.None;

    [Description("Counts orders to restart it through its guest: one more is one restart, several at once are one, and back withdraws one that has not begun.")]
    [Range(0, int.MaxValue)]
    public int Reboots { get; init; }

    [Description("Counts orders to restart it as by its reset button: one more is one reset, several at once are one, and back withdraws one that has not begun.")]
    [Range(0, int.MaxValue)]
    public int Resets { get; init; }

    [Description("Name servers that the guest is told of, instead of those of its networks.")]
    [Address]
    [MaxLength(16)]
    public TextList Ns { get; init; } = TextList.Empty;

    [Description("For cloud-init in the guest. Whoever reads the instance reads it, so secrets in it should be good for one use only.")]
    [StringLength(65_536)]
    public string? UserData { get; init; }

    [Description("Public keys that may log in, each a line as in authorized_keys.")]
    [RegularExpression(@"^[^\x00-\x1f\x7f]+$")]
    [StringLength(4096, MinimumLength = 1)]
    [MaxLength(64)]
    public TextList SshKeys { get; init; } = TextList.Empty;
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

    /// <summary>It runs, and is on its way to another host.</summary>
    Migrating,
}

public sealed record InstanceCurrent
{
    public required Guid Uuid { get; init; }

    public required InstanceStatus Status { get; init; }

    public int? Vcpu { get; init; }

    [Description("MiB.")]
    public long? Mem { get; init; }

    [Description("Columns that it does not show as they are ordered, and will from its next start on.")]
    public TextList Pending { get; init; } = TextList.Empty;

    [Description("The count of the last order to restart it through its guest that was carried out, or that a start made needless.")]
    public int? Reboots { get; init; }

    [Description("The count of the last order to reset it that was carried out, or that a start made needless.")]
    public int? Resets { get; init; }

    [Description("Addresses that the agent in the guest knows of; absent while there is none.")]
    public TextList? GuestAddresses { get; init; }

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
        .SentToHost(
            new HostScope.ReferencedBy("host_instance", "instance"),
            new HostScope.ReferencedBy("host_migration", "instance"))
        .Mount("/tenant/instance", Access.TenantUser)
        .Mount("/instance", Access.Shared, whereNull: "tenant")
        .Build();
}
