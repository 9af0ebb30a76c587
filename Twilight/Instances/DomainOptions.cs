namespace PonyCloud.Twilight.Instances;

/// <summary>What an instance without a disk boots.</summary>
public abstract record DisklessBoot
{
    private DisklessBoot()
    {
    }

    /// <summary>The machine's BIOS, which finds nothing to boot: the instance runs and does nothing.</summary>
    public sealed record Bios : DisklessBoot;

    /// <summary>A Linux kernel, handed to the guest directly.</summary>
    public sealed record Kernel(string Image, string? Initrd, string? CommandLine) : DisklessBoot;

    /// <summary>A firmware image in the place of the BIOS.</summary>
    public sealed record Rom(string Image) : DisklessBoot;
}

/// <summary>How domains are made on this host, whatever the instance.</summary>
public sealed record DomainOptions
{
    public required Accelerator Accelerator { get; init; }

    /// <summary>Folder for what guests write to their serial consoles, and for the sockets of consoles and guest agents.</summary>
    public required string ConsoleDirectory { get; init; }

    public DisklessBoot Boot { get; init; } = new DisklessBoot.Bios();

    /// <summary>The emulator; null for the one that libvirt prefers.</summary>
    public string? Emulator { get; init; }

    /// <summary>The file that takes what the instance writes to its serial console since its last start.</summary>
    public string ConsoleLogOf(Guid instance) => Path.Combine(ConsoleDirectory, $"{instance}.log");

    /// <summary>
    /// The log that it brings along from another host, until it goes on here: where it begins, in eight bytes, and what is from there on.
    /// </summary>
    public string ArrivingLogOf(Guid instance) => $"{ConsoleLogOf(instance)}.arriving";

    /// <summary>Where its log begins, as a number, if it began on another host and its beginning is not kept.</summary>
    public string ConsoleBeginOf(Guid instance) => $"{ConsoleLogOf(instance)}.begin";

    /// <summary>Where its serial console listens for one to attach.</summary>
    public string SerialSocketOf(Guid instance) => Path.Combine(ConsoleDirectory, $"{instance}.serial");

    /// <summary>Where its screen is given out by VNC.</summary>
    public string VncSocketOf(Guid instance) => Path.Combine(ConsoleDirectory, $"{instance}.vnc");

    /// <summary>The channel to the agent in the guest. The hypervisor alone speaks over it.</summary>
    public string AgentSocketOf(Guid instance) => Path.Combine(ConsoleDirectory, $"{instance}.agent");
}
