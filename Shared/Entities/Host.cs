using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public enum HostState
{
    /// <summary>The host takes instances.</summary>
    Present,

    /// <summary>The host takes no new instances.</summary>
    [LetsGo]
    Evacuated,

    /// <summary>
    /// An operator has given the host up: it has no instances and is not listened to. What was known of it is forgotten,
    /// so it has no current part; its row and its name stay.
    /// </summary>
    [LetsGo(2)]
    Gone,
}

public enum HostStatus
{
    Present,

    /// <summary>Silent for three keep-alive intervals: what it last reported is kept, and marked by its age.</summary>
    Unreachable,
}

public sealed record HostDesired
{
    [Description("The machine's DMI system uuid.")]
    public required Guid Uuid { get; init; }

    public HostState State { get; init; } = HostState.Present;

    [StringLength(253)]
    public required string Name { get; init; }

    [Description("Free text for operators: where it stands, who to call.")]
    [StringLength(4096)]
    public string? Info { get; init; }

    [Description("The public key of the host's Twilight in Z85: whoever proves to hold it speaks for the host. Nobody does while it is absent.")]
    [RegularExpression(@"^[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}$")]
    public string? AgentKey { get; init; }

    [Description("Lets the host remove what it holds: the token that it reports in held. Means exactly that set of instances and no other.")]
    [RegularExpression("^[0-9a-f]{16}$")]
    public string? ConfirmRemovals { get; init; }
}

public sealed record HostCurrent
{
    public required Guid Uuid { get; init; }

    [Description("Whether the host is heard of. Set by the controller.")]
    public HostStatus Status { get; init; } = HostStatus.Present;

    [Description("When the host was last heard of; set while it is unreachable, and then the age of everything that it reported.")]
    public DateTimeOffset? LastSeen { get; init; }

    public required string AgentVersion { get; init; }

    [Description("Kernel boot id; another one means that the machine was restarted.")]
    public required string BootId { get; init; }

    public DateTimeOffset BootTime { get; init; }

    public required string Kernel { get; init; }

    public required string CpuModel { get; init; }

    [Description("Logical processors.")]
    public int CpuThreads { get; init; }

    [Description("Feature flags as the kernel names them.")]
    public TextList CpuFeatures { get; init; } = TextList.Empty;

    [Description("MiB.")]
    public long MemoryTotal { get; init; }

    [Description("MiB that new processes could get, as the kernel estimates it; sampled, so up to a minute old.")]
    public long MemoryFree { get; init; }

    [Description("Hypervisor and version, such as QEMU 7.2.0; absent while the hypervisor does not answer.")]
    public string? Hypervisor { get; init; }

    [Description("kvm where the processor and the kernel allow it, else tcg.")]
    public string? Accelerator { get; init; }

    [Description("IP addresses of the host, loopback left out.")]
    public TextList Addresses { get; init; } = TextList.Empty;

    [Description("Domains on the host that the platform did not make and does not touch: objects with uuid, name and status.")]
    public JsonText? ForeignDomains { get; init; }

    [Description("What the host keeps although it has no place here, since the controller may have forgotten it: an object with instances, a list of uuids, and token, which confirms their removal.")]
    public JsonText? Held { get; init; }

    [Description("Where the controller and other hosts reach what the host serves, such as contents of volumes: https, a name or an address, and a port.")]
    public string? TransferEndpoint { get; init; }

    [Description("SHA-256 of the certificate by which that server is known, in hexadecimal.")]
    public string? TransferFingerprint { get; init; }

    [Description("By what that server knows the controller.")]
    [Secret(SentToHosts = true)]
    public string? TransferToken { get; init; }

    [Description("What keeps the host from working, or from removing what it holds, in words; absent when nothing does.")]
    public string? Why { get; init; }
}

public sealed class HostDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host", "A hypervisor host.")
        .KeyedBy("uuid")
        .Stored<HostDesired>()
        .Reported<HostCurrent>(by: "uuid")
        .Index("agent_key")
        .SentToHost(new HostScope.NamedBy("uuid"))
        .Mount("/host", Access.Protected)
        .Build();
}
